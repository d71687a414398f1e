// What makes every page a little livelier: menus that close, the theme, forms that send themselves, parts that keep up to date.

import { listen } from "./stream.js";

const YEAR = 31536000;
const UNSEEN = 15_000;
const AGAIN = 500;

for (const form of document.querySelectorAll("[data-theme-switch]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const theme = event.submitter?.value ?? "";
    document.cookie = `theme=${theme}; path=/; max-age=${YEAR}; samesite=lax`;
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.value === theme));
  });
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) if (!menu.contains(except)) menu.open = false;
}
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const menu = document.activeElement?.closest("details[data-menu][open]");
    closeMenus(null);
    menu?.querySelector("summary").focus();
  }
  const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const search = document.querySelector("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-send-on-change] select")) event.target.form.requestSubmit();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const label = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = label), 1500);
});

// --- durations that go on while something runs ------------------------------------------------------------------------

function showDuration(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${String(Math.floor(seconds % 60)).padStart(2, "0")}s`;
  return `${Math.floor(seconds / 3600)}h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")}m`;
}
const clockOffset = Date.now() - Number(document.documentElement.dataset.now || Date.now());
setInterval(() => {
  for (const element of document.querySelectorAll("[data-since]")) {
    element.textContent = showDuration((Date.now() - clockOffset - Date.parse(element.dataset.since)) / 1000);
  }
}, 1000);

// A list that is scrolled by itself, on phones, begins where one is.
const here = document.querySelector(".side [aria-current]");
const list = here?.closest(".side");
if (list) list.scrollTop = here.getBoundingClientRect().top - list.getBoundingClientRect().top - list.clientHeight / 2;

// --- parts that keep up to date: `data-part` elements are taken anew from the page itself --------------------------------

let isFetching = false;
let isStale = false;
let goesOn = true;

/** Fetch this page again and exchange the parts that differ; what is open, focused or scrolled stays so. */
export async function refreshParts() {
  if (isFetching) {
    isStale = true;
    return;
  }
  isFetching = true;
  try {
    do {
      isStale = false;
      const answer = await fetch(location.href.split("#")[0], { headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected) return; // signed out meanwhile: what is on the page stays
      exchange(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } while (isStale);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // the server is away: the stream comes back by itself, and so do we
  } finally {
    isFetching = false;
  }
}

function exchange(fresh) {
  goesOn = fresh.querySelector("[data-stream]") !== null;
  for (const part of document.querySelectorAll("[data-part]")) {
    const next = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!next || next.innerHTML === part.dataset.was || next.innerHTML === part.innerHTML) continue;
    if (part.querySelector("details[data-menu][open]") || part.matches(":has(input:focus, textarea:focus, select:focus)")) continue;
    const open = new Set([...part.querySelectorAll("details[open][id]")].map((element) => element.id));
    const shut = new Set([...part.querySelectorAll("details:not([open])[id]")].map((element) => element.id));
    const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const scrolled = [...part.querySelectorAll("[data-scroll]")].map((element) => element.scrollLeft);
    part.dataset.was = next.innerHTML;
    part.replaceChildren(...next.childNodes);
    for (const element of part.querySelectorAll("details[id]")) {
      if (open.has(element.id)) element.open = true;
      if (shut.has(element.id)) element.open = false;
    }
    part.querySelectorAll("[data-scroll]").forEach((element, index) => (element.scrollLeft = scrolled[index] ?? 0));
    if (focused) [...part.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === focused)?.focus();
  }
  const icon = fresh.querySelector("link[rel=icon]");
  if (icon) document.querySelector("link[rel=icon]").href = icon.getAttribute("href");
  if (fresh.title !== document.title) document.title = fresh.title;
  document.dispatchEvent(new CustomEvent("parts-refreshed"));
}

/** Listen while the page says that there is something to hear: a run that has ended may begin again by itself. */
function follow(stream, changed) {
  const end = () => {
    refreshParts();
    setTimeout(() => { if (goesOn) follow(stream, changed); }, AGAIN);
  };
  listen(() => stream, { changed, end });
}

const stream = document.querySelector("[data-stream]")?.dataset.stream;
if (stream) {
  let timer = 0;
  const changed = () => {
    if (!timer) timer = setTimeout(() => { timer = 0; refreshParts(); }, 60);
  };
  follow(stream, changed);
  setInterval(() => { if (document.hidden) refreshParts(); }, UNSEEN); // its title and its mark can be seen still
}

const every = Number(document.querySelector("[data-refresh]")?.dataset.refresh || 0);
if (every) setInterval(() => { if (!document.hidden) refreshParts(); }, every * 1000);
