// The newest lines come first into sight; with Follow on they stay there.
const lines = () => document.querySelector(".o-lines");
const toEnd = () => { const box = lines(); if (box) box.scrollTop = box.scrollHeight; };

function follow() {
  if (!lines()?.matches("[data-follow]")) return;
  toEnd();
  requestAnimationFrame(() => { toEnd(); lines()?.lastElementChild?.scrollIntoView({ block: "nearest" }); });
}

if (!new URLSearchParams(location.search).has("before")) { toEnd(); follow(); }
const part = document.querySelector('[data-part="output"]');
if (part) new MutationObserver(follow).observe(part, { childList: true, subtree: true });
