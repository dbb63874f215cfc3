// The newest lines come first into sight; with Follow on they stay there.
const lines = () => document.querySelector(".o-lines");
const toEnd = () => { const box = lines(); if (box) box.scrollTop = box.scrollHeight; };

if (!new URLSearchParams(location.search).has("before")) toEnd();
const part = document.querySelector('[data-part="output"]');
if (part) new MutationObserver(() => { if (lines()?.matches("[data-follow]")) toEnd(); }).observe(part, { childList: true, subtree: true });
