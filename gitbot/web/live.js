// Keeps an open page up to date: asks for it again when the server says that something has changed, and makes the old
// one equal to it node by node, so that focus, scrolling and what is unfolded stay as they are. A browser has only six
// connections to a server, so one of its visible tabs hears the news and passes them on; hidden ones do not look.
"use strict";

const news = document.getElementById("news");
const link = document.getElementById("link");
const tabs = new BroadcastChannel("news");
let wanted = document.body.dataset.number;
let busy = false;
let quiet = 0;
let state = "";
let watching = null;

const key = (node) => (node.nodeType === 1 && (node.dataset.key || node.id)) || null;
const alike = (old, fresh) => old.nodeName === fresh.nodeName && key(old) === key(fresh);

// Says whether anything was another.
function become(old, fresh) {
  if (old.nodeType !== 1) {
    if (old.data === fresh.data) return false;
    old.data = fresh.data;
    return true;
  }
  let changed = false;
  for (const name of new Set([...old.getAttributeNames(), ...fresh.getAttributeNames()])) {
    const value = fresh.getAttribute(name);
    if (name === "open" || old.getAttribute(name) === value) continue; // what the reader has unfolded stays so
    if (value === null) old.removeAttribute(name);
    else old.setAttribute(name, value);
    changed ||= name !== "class";
  }
  const known = new Map([...old.children].filter(key).map((child) => [key(child), child]));
  let at = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const same = key(child) ? known.get(key(child)) : at && alike(at, child) ? at : null;
    if (same && same.nodeName === child.nodeName) {
      if (same === at) at = at.nextSibling;
      else old.insertBefore(same, at);
      const other = become(same, child);
      if (other) light(same);
      changed ||= other;
    } else {
      old.insertBefore(child, at);
      light(child);
      changed = true;
    }
  }
  for (; at; changed = true) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
  return changed;
}

function light(node) {
  if (!node.dataset?.key) return;
  node.classList.add("fresh");
  setTimeout(() => node.classList.remove("fresh"), 2500);
}

function say(words) {
  if (!words.length) return;
  news.textContent = words.join("; ");
  clearTimeout(quiet);
  quiet = setTimeout(() => { news.textContent = ""; }, 8000);
}

async function refresh() {
  if (busy || document.hidden) return;
  busy = true;
  try {
    while (document.body.dataset.number !== wanted) {
      const asked = wanted;
      const answer = await fetch(location.pathname, { cache: "no-store", signal: AbortSignal.timeout(30000) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const had = document.activeElement;
      const place = [scrollX, scrollY];
      for (const part of ["header", "main", "footer"]) become(document.querySelector(part), page.querySelector(part));
      document.title = page.title;
      if (had && had !== document.activeElement) {
        (had.isConnected ? had : document.getElementById("main")).focus({ preventScroll: true });
      }
      scrollTo(...place);
      document.body.dataset.number = page.body.dataset.number || asked;
      if (wanted === asked) wanted = document.body.dataset.number;
    }
    link.textContent = state;
  } catch {
    link.textContent = "not up to date";
    setTimeout(refresh, 2000);
  } finally {
    busy = false;
  }
}

function hear(told) {
  wanted = told.number;
  state = told.state;
  say(told.words);
  refresh();
}

// Holds the stream until it is over, as the only tab of the browser.
async function stream(over) {
  let source;
  const tell = (state, words = []) => {
    const told = { number: wanted, state, words };
    tabs.postMessage(told);
    hear(told);
  };
  const open = () => {
    if (over.aborted) return;
    source = new EventSource(`/events?since=${encodeURIComponent(wanted)}`);
    source.onopen = () => tell("live");
    source.onerror = () => {
      tell("not connected");
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 2000); // refused: the browser does not ask again
    };
    source.onmessage = (event) => {
      wanted = event.lastEventId;
      tell("live", JSON.parse(event.data));
    };
  };
  open();
  tabs.onmessage = ({ data }) => (data ? hear(data) : source.readyState !== EventSource.CLOSED && tell(state));
  await new Promise((resolve) => over.addEventListener("abort", resolve));
  source.close();
}

function stop() {
  watching?.abort();
  watching = null;
}

function watch() {
  if (watching || document.hidden) return;
  watching = new AbortController();
  const over = watching.signal;
  navigator.locks.request("news", { signal: over }, () => stream(over)).catch(() => {});
  tabs.postMessage(null); // the tab that has the stream says how far it is
}

tabs.onmessage = ({ data }) => data && hear(data);
document.addEventListener("visibilitychange", () => (document.hidden ? stop() : watch()));
addEventListener("pagehide", stop);
addEventListener("pageshow", watch);
