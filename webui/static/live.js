// Keeps a page true while things move. The server renders; this only fetches parts and puts them in place.

const FIRST_PAUSE = 2000, RECONNECT = 3000, POLL = 5000, CROWDED = 30000, MINUTE = 60000, SAY_EVERY = 5000;
const main = document.getElementById("main");
const live = main.dataset;
const banner = document.querySelector("[data-live-banner]");
const slot = document.querySelector("[data-live-slot]");

// -- putting a part in place: only what differs is touched -------------------------------------------------

const KEPT = new Set(["open", "aria-busy"]);

function morph(have, want) {
  if (have.nodeType === Node.TEXT_NODE) {
    if (have.data !== want.data) have.data = want.data;
    return;
  }
  for (const { name } of [...have.attributes]) if (!want.hasAttribute(name) && !KEPT.has(name)) have.removeAttribute(name);
  for (const { name, value } of want.attributes) {
    if (!KEPT.has(name) && have.getAttribute(name) !== value) have.setAttribute(name, value);
  }
  if (have.dataset?.since) return; // a running clock of ours
  morphChildren(have, want);
}

function morphChildren(have, want) {
  const keyed = new Map([...have.children].filter((each) => each.dataset.key).map((each) => [each.dataset.key, each]));
  let at = have.firstChild;
  for (const wish of [...want.childNodes]) {
    const key = wish.dataset?.key;
    const found = key ? keyed.get(key) : at;
    const fits = found && found.nodeName === wish.nodeName && (found.dataset?.key ?? "") === (key ?? "");
    if (!fits) { have.insertBefore(document.importNode(wish, true), at); continue; }
    if (found === at) at = at.nextSibling; else have.insertBefore(found, at);
    morph(found, wish);
  }
  while (at) { const next = at.nextSibling; at.remove(); at = next; }
}

// New rows do not push away what is being read: they wait behind a button.
function holdBack(have, want) {
  const list = have.querySelector("[data-hold-new]"), fresh = want.querySelector("[data-hold-new]");
  if (!list || !fresh) return;
  const known = new Set([...list.children].map((row) => row.dataset.key));
  const arrived = [...fresh.children].filter((row) => !known.has(row.dataset.key));
  if (!arrived.length) return;
  const whole = want.cloneNode(true);
  const shown = new Set([...fresh.children].map((row) => row.dataset.key));
  arrived.forEach((row) => row.remove());
  const passed = [...list.children].filter((row) => !shown.has(row.dataset.key)).map((row) => row.cloneNode(true));
  if ("oldestFirst" in list.dataset) fresh.prepend(...passed); else fresh.append(...passed);
  const noun = list.dataset.holdNew;
  const button = document.createElement("button");
  button.className = "more-new";
  button.dataset.key = "more-new";
  const count = arrived.reduce((sum, row) => sum + Number(row.dataset.lines ?? 1), 0);
  button.textContent = `${count} new ${noun}${count > 1 ? "s" : ""}, show`;
  want.prepend(button);
  have.whole = whole;
}

document.addEventListener("click", (event) => {
  const part = event.target.closest(".more-new")?.closest("[data-part]");
  if (part?.whole) morph(part, part.whole);
});

// -- parts: at most one fetch under way each, a pause between two, only those on screen ----------------------

class Part {
  constructor(element) {
    this.element = element;
    this.name = element.dataset.part;
    this.gap = Number(element.dataset.gap || 500);
    this.dirty = this.busy = false;
    this.visible = true;
    this.last = 0;
  }

  ask() { this.dirty = true; this.go(); }

  go() {
    if (!this.dirty || this.busy || paused || document.hidden || !this.visible) return;
    const wait = this.last + this.gap - Date.now();
    if (wait > 0) { clearTimeout(this.timer); this.timer = setTimeout(() => this.go(), wait); return; }
    this.fetch();
  }

  async fetch() {
    this.dirty = false;
    this.busy = true;
    this.last = Date.now();
    const slow = setTimeout(() => this.element.setAttribute("aria-busy", "true"), 1000);
    try {
      const url = new URL(live.url, location.href);
      url.searchParams.set("part", this.name);
      const answer = await fetch(url, { credentials: "same-origin" });
      if (answer.ok) this.put(await answer.text());
    } catch { /* the banner tells that the server is away; the next look asks again */
    } finally {
      clearTimeout(slow);
      this.element.removeAttribute("aria-busy");
      this.busy = false;
      this.go();
    }
  }

  put(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").querySelector(`[data-part="${this.name}"]`);
    if (!fresh || paused) return;
    const { after } = fresh.dataset;
    if (after !== undefined && Number(after) <= Number(this.element.dataset.after)) return;
    holdBack(this.element, fresh);
    morph(this.element, fresh);
    if (fresh.dataset.over) delete live.poll; // nothing will follow
    if (fresh.dataset.title) { document.title = `${fresh.dataset.title} – mcoflow`; dropPassed(); }
    if (fresh.querySelector("[data-summary]")) say(fresh.querySelector("[data-summary]").textContent);
  }
}

// A notice that is only true while the task is in some state goes with it.
function dropPassed() {
  for (const note of document.querySelectorAll("[data-while]")) if (!document.title.startsWith(note.dataset.while)) note.remove();
}

let paused = false, waiting = 0;
const typed = new Set(["echo_hosts", "echo_target", "echo_param"]);
const parts = [...(live.url ? document : banner).querySelectorAll("[data-part]")].filter((each) => !typed.has(each.dataset.part)).map((each) => new Part(each));
const watcher = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) {
    const part = parts.find((each) => each.element === target);
    part.visible = isIntersecting || !target.getClientRects().length || !target.offsetHeight;
    part.go();
  }
});
parts.forEach((part) => watcher.observe(part.element));
const askAll = () => parts.forEach((part) => part.ask());
const askOpen = () => parts.filter((part) => part.visible).forEach((part) => part.ask());

// -- one line for screen readers, at most every five seconds --------------------------------------------------

const summary = document.createElement("p");
summary.className = "visually-hidden";
summary.setAttribute("role", "status");
document.body.append(summary);
let saidAt = 0, sayTimer;
function say(text) {
  clearTimeout(sayTimer);
  sayTimer = setTimeout(() => { saidAt = Date.now(); summary.textContent = text; }, Math.max(0, saidAt + SAY_EVERY - Date.now()));
}

// -- the stream is a doorbell -----------------------------------------------------------------------------------

let source, after = live.after, over = !live.events, broken = false, crowded = false, brokenTimer, retryTimer, hiddenTimer;

function tell(text) {
  if (banner.textContent === text) return;
  banner.replaceChildren();
  if (!text) return;
  const note = document.createElement("p");
  note.className = "note note-warning";
  note.textContent = text;
  banner.append(note);
}

function connect() {
  clearTimeout(retryTimer);
  if (over || paused || source) return;
  const url = new URL(live.events, location.href);
  url.searchParams.set("after", after);
  source = new EventSource(url);
  source.onopen = () => {
    clearTimeout(brokenTimer);
    brokenTimer = undefined;
    if (broken) askAll();
    broken = crowded = false;
    tell("");
    showState("live");
  };
  source.addEventListener("task", (event) => {
    after = event.lastEventId;
    const { parts: moved } = JSON.parse(event.data);
    parts.filter((part) => moved.includes(part.name)).forEach((part) => part.ask());
  });
  source.addEventListener("end", () => { over = true; disconnect(); showState("finished"); });
  source.onerror = () => { disconnect(); lost(url); };
}

function disconnect() { source?.close(); source = undefined; }

async function lost(url) {
  brokenTimer ??= setTimeout(() => { broken = true; if (!crowded) tell("Live updates paused, retrying"); }, FIRST_PAUSE);
  const stop = new AbortController();
  try {
    const { status, headers } = await fetch(url, { signal: stop.signal });
    stop.abort();
    if (status === 204) { over = true; clearTimeout(brokenTimer); tell(""); showState("finished"); askAll(); return; }
    crowded = status === 503 && headers.has("Retry-After");
    if (crowded) { broken = true; tell("Live updates by polling: too many viewers"); }
  } catch { /* not reachable: tried again below */ }
  retryTimer = setTimeout(connect, crowded ? CROWDED : RECONNECT);
}

function showState(word) {
  if (!slot) return;
  const state = document.createElement("span");
  state.textContent = word;
  if (word === "live") state.className = "live-on";
  const pause = document.createElement("button");
  pause.textContent = paused ? "Go on" : "Pause updates";
  pause.addEventListener("click", togglePause);
  slot.replaceChildren(state, ...(word === "finished" ? [] : [pause]));
}

function togglePause() {
  paused = !paused;
  waiting = 0;
  if (paused) { disconnect(); showState("Live updates paused by you"); watchSilently(); return; }
  showState("live");
  connect();
  askAll();
}

// While paused, one quiet stream only counts.
function watchSilently() {
  const url = new URL(live.events, location.href);
  url.searchParams.set("after", after);
  const counter = new EventSource(url);
  const close = () => counter.close();
  counter.addEventListener("task", () => {
    if (!paused) { close(); return; }
    waiting += 1;
    if (slot) slot.firstChild.textContent = `Live updates paused by you, ${waiting} ${waiting === 1 ? "change" : "changes"} waiting`;
  });
  counter.onerror = close;
  counter.addEventListener("end", close);
  slot?.querySelector("button").addEventListener("click", close);
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(hiddenTimer);
  if (document.hidden) { hiddenTimer = setTimeout(disconnect, MINUTE); return; }
  if (live.events) connect();
  parts.forEach((part) => part.go());
});

// -- looking without a bell: pages that poll, broken streams, and once a minute in any case -----------------------

const around = (time) => time * (0.8 + Math.random() * 0.4);
(function look() {
  setTimeout(() => { if (live.poll || broken) askOpen(); look(); }, around(live.poll * 1000 || POLL));
})();
if (parts.length) setInterval(askOpen, MINUTE);
setInterval(() => parts.find((part) => part.name === "notices")?.ask(), around(POLL));
if (live.events) connect();

// -- running clocks ---------------------------------------------------------------------------------------------

function lasted(since) {
  const seconds = Math.max(0, (Date.now() - Date.parse(since)) / 1000);
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
setInterval(() => document.querySelectorAll("[data-since]").forEach((each) => { each.textContent = lasted(each.dataset.since); }), 1000);

// -- the form says back what it understands -----------------------------------------------------------------------

for (const field of document.querySelectorAll("[data-echo]")) {
  let timer, asked = 0;
  const echo = async () => {
    clearTimeout(timer);
    const mine = ++asked, name = field.dataset.echo;
    const url = new URL(live.url, location.href);
    url.searchParams.set("part", name);
    url.searchParams.set(field.name, field.value.slice(0, 4000));
    try {
      const answer = await fetch(url);
      if (!answer.ok || mine !== asked || document.querySelector("button:active")) return; // nothing moves under a finger
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-part]");
      morph(document.querySelector(`[data-part="${name}"]`), fresh);
    } catch { /* it is only a courtesy */ }
  };
  field.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(echo, 300); });
  field.addEventListener("blur", (event) => { if (timer && !event.relatedTarget?.matches("button")) echo(); });
}
document.querySelector("[data-focus]")?.focus();

// -- controls that need script: theme, time zone, keys ------------------------------------------------------------

function remembered(name, otherwise) { try { return localStorage.getItem(name) ?? otherwise; } catch { return otherwise; } }
function remember(name, value) { try { localStorage.setItem(name, value); } catch { /* for this page only, then */ } }

const theme = document.createElement("select");
theme.className = "theme";
theme.setAttribute("aria-label", "Theme");
for (const name of ["auto", "light", "dark"]) theme.add(new Option(`Theme: ${name}`, name, false, name === remembered("theme", "auto")));
theme.addEventListener("change", () => { remember("theme", theme.value); dispatchEvent(new Event("theme")); });
document.querySelector("[data-theme-slot]").append(theme);

const zone = document.querySelector("[data-zone]"), here = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (here && here !== zone.textContent) {
  const use = document.createElement("button");
  use.textContent = `use ${here}`;
  use.addEventListener("click", () => { document.cookie = `tz=${here}; path=/; max-age=31536000; samesite=lax`; location.reload(); });
  zone.after(" ", use);
}

const links = document.querySelectorAll(".bar nav a");
const keys = { n: () => links[0].click(), "g t": () => links[1].click(), "g h": () => links[2].click(), "/": () => document.querySelector("[type=search]")?.focus(), "?": showKeys };
let chord = "";
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  if (event.key !== "?" && remembered("keys", "on") === "off") return;
  const pressed = chord ? `${chord} ${event.key}` : event.key;
  chord = !chord && event.key === "g" ? "g" : "";
  if (!keys[pressed]) return;
  event.preventDefault();
  keys[pressed]();
});

// "More" closes as menus do: by Esc, and by a click elsewhere.
function closeMenu(unless) {
  const menu = document.querySelector(".other-acts[open]");
  if (!menu || menu.contains(unless)) return;
  if (menu.contains(document.activeElement)) menu.firstElementChild.focus();
  menu.open = false;
}
document.addEventListener("keydown", (event) => { if (event.key === "Escape") closeMenu(); });
document.addEventListener("click", (event) => closeMenu(event.target));

function showKeys() {
  const box = document.createElement("dialog");
  box.className = "keys";
  box.setAttribute("aria-label", "Keys");
  box.innerHTML = "<h2>Keys</h2><p><kbd>n</kbd> new run</p><p><kbd>g</kbd> <kbd>t</kbd> tasks</p><p><kbd>g</kbd> <kbd>h</kbd> hosts</p><p><kbd>/</kbd> search</p><p><kbd>?</kbd> this list</p><p><label><input type=checkbox> Keys are on</label></p><form method=dialog><button class='btn btn-plain'>Close</button></form>";
  const on = box.querySelector("[type=checkbox]");
  on.checked = remembered("keys", "on") === "on";
  on.addEventListener("change", () => remember("keys", on.checked ? "on" : "off"));
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
}
