// The log of a job: only the rows in sight exist, so a million lines are as quick as ten.

import { renderAnsi, splitMarker } from "./ansi.js";
import { LINE, Layout } from "./log_layout.js";
import { Lines } from "./log_lines.js";
import { refreshParts } from "./page.js";
import { listen } from "./stream.js";

const TALLEST = 12_000_000; // browsers stop above 16 million pixels; beyond this the scroll bar is scaled
const AROUND = 10;
const LONGEST = 4000;
const SILENT = "Nothing has been said yet.";
const AWAY = "Not connected: trying again…";
const ICONS = new URL("./icons.svg", import.meta.url).pathname;

class Viewer {
  constructor(root) {
    this.root = root;
    this.view = root.querySelector(".log-view");
    this.space = root.querySelector(".log-space");
    this.rows = root.querySelector(".log-rows");
    this.status = root.querySelector("[data-status]");
    this.address = root.dataset.log;
    this.layout = new Layout();
    this.lines = new Lines(this.address, () => this.draw());
    this.shown = new Map(); // key → row
    this.isFollowing = false;
    this.isComplete = true;
    this.target = 0;
    this.matches = [];
    this.match = -1;
    this.scale = 1;
    this.isDrawing = false;
    this.visible = 0; // pixels of the view's height
  }

  async begin() {
    const outline = await this.fetchOutline();
    if (!outline) return;
    this.readSteps();
    for (const step of this.layout.steps) step.isOpen = this.opensAtFirst(step);
    for (const [start] of this.layout.groups) this.layout.folded.add(start);
    if (!this.layout.steps.some((step) => step.isOpen) && this.layout.steps.length === 1) this.layout.steps[0].isOpen = true;
    this.layout.arrange();
    this.root.querySelector(".log-static")?.remove();
    for (const part of this.root.querySelectorAll("[data-needs-script]")) part.hidden = false;
    this.listen();
    this.drawNow();
    if (!this.goToHash()) {
      if (!this.isComplete) this.follow(true);
      else this.goToFailure();
    }
    if (!this.isComplete) {
      if (!this.layout.total) this.say(SILENT);
      this.stream();
    }
    this.root.dataset.ready = "1";
  }

  opensAtFirst(step) {
    return ["failure", "running", "forgiven", "cancelled"].includes(step.state) && step.stretches.length > 0;
  }

  async fetchOutline() {
    const answer = await fetch(`${this.address}/outline`);
    if (!answer.ok) return null;
    const outline = await answer.json();
    this.lines.total = outline.total;
    this.isComplete = outline.is_complete;
    this.layout.groups = outline.groups;
    for (const step of this.layout.steps) step.stretches = [];
    this.layout.total = 0;
    for (const [number, first, count] of outline.steps) this.layout.extend(number, first, count);
    return outline;
  }

  /** The page's own list of steps says their names, states and times. */
  readSteps() {
    for (const item of document.querySelectorAll("[data-step]")) {
      const { step: number, name, state, time, begun } = item.dataset;
      const isNew = !this.layout.find(Number(number));
      const step = this.layout.ensure(Number(number), name);
      if (isNew || (state === "running" && step.state !== "running")) step.isOpen = state === "running" || state === "failure";
      if (state === "failure" && step.state === "running") step.isOpen = true;
      Object.assign(step, { name, state, time: time ?? "", since: begun ?? "" });
    }
  }

  // --- what comes ----------------------------------------------------------------------------------------------------------

  stream() {
    const end = async () => {
      this.isComplete = true;
      await refreshParts();
      await this.fetchOutline();
      this.readSteps();
      this.layout.arrange();
      this.draw();
      this.say("The job has ended.");
    };
    const lines = (event) => {
      const { from, lines } = JSON.parse(event.data);
      this.layout.take(from, lines);
      this.lines.put(from, lines);
      if (this.status.textContent === SILENT) this.say("");
    };
    listen(() => `${this.address}/stream?from=${this.layout.total + 1}`, { lines, end }, (isThere) => {
      if (!isThere) this.say(AWAY);
      else if (this.status.textContent === AWAY) this.say("");
    });
  }

  // --- what is seen --------------------------------------------------------------------------------------------------------

  draw() {
    if (this.isDrawing) return;
    this.isDrawing = true;
    requestAnimationFrame(() => {
      this.isDrawing = false;
      this.drawNow();
    });
  }

  drawNow() {
    const visible = this.view.clientHeight;
    const height = Math.min(this.layout.height, TALLEST);
    this.space.style.height = `${height}px`;
    this.scale = this.layout.height > TALLEST ? (this.layout.height - visible) / (TALLEST - visible) : 1;
    if (this.isFollowing) this.view.scrollTop = height;
    const top = Math.min(this.view.scrollTop * this.scale, Math.max(this.layout.height - visible, 0));
    this.drawRows(top, visible);
  }

  drawRows(top, visible) {
    const rows = this.rowsBetween(top - AROUND * LINE, top + visible + AROUND * LINE);
    const keep = new Set(rows.map((row) => row.key));
    for (const [key, element] of this.shown) {
      if (!keep.has(key)) {
        element.remove();
        this.shown.delete(key);
      }
    }
    let before = this.rows.firstChild;
    for (const row of rows) {
      const element = this.elementOf(row);
      if (element === before) before = before.nextSibling;
      else this.rows.insertBefore(element, before);
    }
    this.rows.style.transform = `translateY(${Math.round(this.view.scrollTop + (rows[0]?.top ?? 0) - top)}px)`;
    const numbers = rows.filter((row) => row.line).map((row) => row.line);
    if (numbers.length) this.wantSoon(numbers[0], numbers[numbers.length - 1], rows);
    this.highlight();
  }

  /** While somebody drags through a long log, only what they stop at is fetched. */
  wantSoon(first, last, rows) {
    if (rows.every((row) => !row.line || this.lines.get(row.line))) return;
    clearTimeout(this.wanting);
    this.wanting = setTimeout(() => {
      for (const row of rows) if (row.line && !this.lines.get(row.line)) this.lines.want(row.line, row.line);
    }, this.isFollowing ? 0 : 25);
  }

  rowsBetween(from, to) {
    const rows = [];
    const { segments } = this.layout;
    for (let index = this.layout.segmentAt(Math.max(from, 0)); index < segments.length && segments[index].top < to; index++) {
      const segment = segments[index];
      if (segment.from === undefined) {
        rows.push({ key: `s${segment.step.number}`, top: segment.top, step: segment.step });
        continue;
      }
      const first = Math.max(0, Math.floor((from - segment.top) / LINE));
      const last = Math.min(segment.to - segment.from, Math.floor((to - segment.top) / LINE));
      for (let offset = first; offset <= last; offset++) {
        const line = segment.from + offset;
        rows.push({ key: `l${line}`, top: segment.top + offset * LINE, line, step: segment.step, inStep: segment.inStep + offset });
      }
    }
    return rows;
  }

  elementOf(row) {
    let element = this.shown.get(row.key);
    if (row.line === undefined) {
      if (!element) this.shown.set(row.key, (element = this.makeHeading(row.step)));
      this.updateHeading(element, row.step);
      return element;
    }
    const line = this.lines.get(row.line);
    if (!element) {
      element = document.createElement("div");
      this.shown.set(row.key, element);
      this.fillLine(element, row, line);
    } else if (element.dataset.empty && line) this.fillLine(element, row, line);
    element.classList.toggle("target", row.line === this.target);
    element.classList.toggle("hit", row.line === this.matches[this.match]);
    if (element.classList.contains("k-group")) {
      const isFolded = this.layout.folded.has(row.line);
      element.classList.toggle("folded", isFolded);
      element.querySelector(".t").setAttribute("aria-expanded", String(!isFolded));
    }
    return element;
  }

  /** A row of the log; without its text while that is on its way. */
  fillLine(element, row, line) {
    const number = document.createElement("a");
    const text = document.createElement("span");
    number.className = "n";
    number.href = `#step:${row.step.number}:${row.inStep}`;
    number.textContent = row.inStep;
    number.tabIndex = -1;
    text.className = "t";
    element.className = "row";
    element.dataset.line = row.line;
    element.replaceChildren(number, text);
    if (!line) {
      element.dataset.empty = "1";
      return;
    }
    delete element.dataset.empty;
    const [kind, rest] = splitMarker(line[2]);
    if (kind) element.classList.add(`k-${kind}`);
    if (this.layout.groupAround(row.line)) element.classList.add("in-group");
    const at = document.createElement("span");
    at.className = "at";
    at.textContent = new Date(line[0]).toISOString().slice(11, 23);
    renderAnsi(rest.length > LONGEST ? `${rest.slice(0, LONGEST)} … (${rest.length.toLocaleString("en")} characters: see the raw log)` : rest, text);
    text.before(at);
    if (kind === "group") {
      text.setAttribute("role", "button");
      text.tabIndex = 0;
    }
  }

  makeHeading(step) {
    const element = document.createElement("button");
    element.type = "button";
    element.className = "row step";
    element.dataset.heading = step.number;
    element.innerHTML = `<span class="fold-mark" aria-hidden="true"></span><svg class="state" role="img"><use/></svg><span class="cut"></span><span class="time"></span>`;
    return element;
  }

  updateHeading(element, step) {
    const signature = [step.name, step.state, step.time, step.since, step.isOpen, step.stretches.length > 0].join("\n");
    if (element.dataset.signature === signature) return;
    element.dataset.signature = signature;
    const hasLines = step.stretches.length > 0;
    element.setAttribute("aria-expanded", String(step.isOpen && hasLines));
    element.querySelector(".fold-mark").textContent = hasLines ? (step.isOpen ? "▾" : "▸") : "";
    const mark = element.querySelector("svg");
    mark.setAttribute("class", `state is-${step.state}`);
    mark.setAttribute("aria-label", step.state);
    mark.querySelector("use").setAttribute("href", `${ICONS}#${step.state}`);
    element.querySelector(".cut").textContent = step.name;
    const time = element.querySelector(".time");
    time.textContent = step.time;
    if (step.since) time.dataset.since = step.since;
    else delete time.dataset.since;
  }

  /** The end of a log that grows and is followed stays in sight, if it was. */
  resize() {
    const grown = this.view.clientHeight - this.visible;
    const wasInSight = this.view.getBoundingClientRect().bottom - grown <= window.innerHeight;
    if (this.isFollowing && grown > 0 && wasInSight) this.view.scrollIntoView({ block: "nearest" });
    this.visible = this.view.clientHeight;
    this.rows.style.setProperty("--seen", `${this.view.clientWidth}px`); // headings stay where lines are scrolled sideways
    this.draw();
  }

  // --- what people do ------------------------------------------------------------------------------------------------------

  listen() {
    this.view.addEventListener("scroll", () => {
      this.draw();
      const rest = this.view.scrollHeight - this.view.clientHeight - this.view.scrollTop;
      if (rest < 2 && !this.isComplete && !this.isFollowing) this.follow(true);
    });
    this.view.addEventListener("wheel", (event) => {
      if (event.deltaY < 0) this.follow(false);
      if (this.scale === 1 || event.ctrlKey) return;
      event.preventDefault();
      this.view.scrollTop += event.deltaY / this.scale;
    }, { passive: false });
    this.view.addEventListener("pointerdown", (event) => {
      if (event.target === this.view) this.follow(false); // its scroll bar is pulled
    });
    this.view.addEventListener("touchmove", () => this.follow(false), { passive: true });
    this.view.addEventListener("keydown", (event) => {
      if (["ArrowUp", "PageUp", "Home"].includes(event.key)) this.follow(false);
    });
    new ResizeObserver(() => this.resize()).observe(this.view);
    this.rows.addEventListener("click", (event) => this.click(event));
    this.rows.addEventListener("keydown", (event) => {
      if (!["Enter", " "].includes(event.key) || event.target.getAttribute("role") !== "button") return;
      event.preventDefault();
      this.click(event);
    });
    window.addEventListener("hashchange", () => this.goToHash());
    document.addEventListener("parts-refreshed", () => {
      this.readSteps();
      this.layout.arrange();
      this.draw();
    });
    const tool = (name, act) => this.root.querySelector(`[data-tool=${name}]`)?.addEventListener("click", act);
    tool("follow", () => this.follow(!this.isFollowing));
    tool("times", (event) => {
      const isOn = this.root.classList.toggle("with-times");
      event.currentTarget.setAttribute("aria-pressed", String(isOn));
    });
    tool("fold", () => this.foldAll());
    tool("next", () => this.step(1));
    tool("previous", () => this.step(-1));
    this.listenToSearch(this.root.querySelector("[data-search]"));
  }

  click(event) {
    const heading = event.target.closest("[data-heading]");
    if (heading) {
      const step = this.layout.find(Number(heading.dataset.heading));
      step.isOpen = !step.isOpen && step.stretches.length > 0;
      this.follow(false);
      this.rearrange();
      return;
    }
    const row = event.target.closest(".row");
    const line = Number(row?.dataset.line);
    if (event.target.closest("a.n")) {
      this.target = line;
      this.draw();
    } else if (event.target.closest(".t") && row.classList.contains("k-group") && this.layout.groupAt(line)) {
      if (!this.layout.folded.delete(line)) this.layout.folded.add(line);
      this.follow(false);
      this.rearrange();
    }
  }

  rearrange() {
    this.layout.arrange();
    this.draw();
  }

  foldAll() {
    const isAnyOpen = this.layout.steps.some((step) => step.isOpen && step.stretches.length);
    for (const step of this.layout.steps) step.isOpen = !isAnyOpen && step.stretches.length > 0;
    this.follow(false);
    this.rearrange();
  }

  follow(isOn) {
    if (this.isFollowing === isOn) return;
    this.isFollowing = isOn;
    this.root.querySelector("[data-tool=follow]")?.setAttribute("aria-pressed", String(isOn));
    if (isOn) {
      const last = this.layout.steps.findLast((step) => step.stretches.length);
      if (last) last.isOpen = true;
      this.rearrange();
      this.view.scrollIntoView({ block: "nearest" });
    }
  }

  goTo(line) {
    const y = this.layout.reveal(line);
    if (y === undefined) return false;
    this.follow(false);
    this.drawNow();
    this.view.scrollTop = Math.max(0, y - this.view.clientHeight / 3) / this.scale;
    this.view.scrollIntoView({ block: "nearest" });
    this.draw();
    return true;
  }

  goToHash() {
    const found = /^#step:(\d+):(\d+)$/.exec(location.hash);
    const ofAll = /^#line:(\d+)$/.exec(location.hash); // as searches over many logs count
    const line = ofAll ? Number(ofAll[1]) : found && this.layout.lineOf(Number(found[1]), Number(found[2]));
    if (!line) return false;
    this.target = line;
    return this.goTo(line);
  }

  /** The end of the step that failed is what people come for. */
  goToFailure() {
    const failed = this.layout.steps.find((step) => step.state === "failure" && step.stretches.length);
    if (!failed) return;
    const [first, count] = failed.stretches[failed.stretches.length - 1];
    const y = this.layout.reveal(first + count - 1);
    if (y !== undefined) this.view.scrollTop = Math.max(0, y - this.view.clientHeight + 3 * LINE) / this.scale;
    this.view.scrollIntoView({ block: "nearest" });
    this.draw();
  }

  // --- search --------------------------------------------------------------------------------------------------------------

  listenToSearch(input) {
    let timer = 0;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.search(input.value), 200);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        if (input.value === this.query) this.step(event.shiftKey ? -1 : 1);
        else this.search(input.value);
      } else if (event.key === "Escape") {
        input.value = "";
        this.search("");
      }
    });
  }

  async search(query) {
    this.query = query;
    this.matches = [];
    this.match = -1;
    if (query) {
      const answer = await fetch(`${this.address}/search?q=${encodeURIComponent(query)}`);
      if (!answer.ok || query !== this.query) return;
      const { lines, is_more: isMore } = await answer.json();
      this.matches = lines;
      this.more = isMore ? "+" : "";
      if (lines.length) this.step(1);
      else this.say("Nothing found");
    } else this.say("");
    this.draw();
  }

  step(by) {
    if (!this.matches.length) return;
    this.match = (this.match + by + this.matches.length) % this.matches.length;
    this.say(`${(this.match + 1).toLocaleString("en")} of ${this.matches.length.toLocaleString("en")}${this.more}`);
    this.goTo(this.matches[this.match]);
  }

  highlight() {
    if (!globalThis.Highlight) return;
    CSS.highlights.delete("found");
    if (!this.query) return;
    const wanted = this.query.toLowerCase();
    const ranges = [];
    for (const element of this.shown.values()) {
      const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
      while (element.dataset.line && walker.nextNode()) {
        const node = walker.currentNode;
        if (node.parentElement.closest(".n, .at")) continue;
        const text = node.data.toLowerCase();
        for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
          const range = new Range();
          range.setStart(node, at);
          range.setEnd(node, Math.min(at + wanted.length, node.data.length));
          ranges.push(range);
        }
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
  }

  say(text) {
    this.status.textContent = text;
  }
}

const root = document.querySelector("[data-log]");
if (root) new Viewer(root).begin();
