// A line of a log as nodes: the same as present/html_ansi.py says in HTML; both are held to tests/cases/present/ansi.json.

const SEQUENCE =
  /\x1b\[([0-9;:]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[PX^_][^\x1b]*(?:\x1b\\)?|\x1b[ -/]*[0-~]?/g;
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
const MARKER = /^##\[(group|endgroup|error|warning|notice|debug|command|section)\](.*)/;
const CUBE = [0, 95, 135, 175, 215, 255];
const FLAGS = { 1: { b: 1 }, 2: { d: 1 }, 3: { i: 1 }, 4: { u: 1 }, 7: { v: 1 }, 9: { s: 1 }, 21: { u: 1 }, 22: { b: 0, d: 0 },
  23: { i: 0 }, 24: { u: 0 }, 27: { v: 0 }, 29: { s: 0 }, 39: { ink: null }, 49: { ground: null } };
const PLAIN = { b: 0, d: 0, i: 0, u: 0, s: 0, v: 0, ink: null, ground: null };

/** [kind, rest]: what kind of line it is by the marker before it; kind is "" for a plain one. */
export function splitMarker(text) {
  const found = text.startsWith("##[") ? MARKER.exec(text) : null;
  return found ? [found[1], found[2]] : ["", text];
}

/** [[classes, text], …]: stretches of text, neighbours of one style joined. */
export function splitAnsi(text) {
  const spans = [];
  let style = PLAIN;
  let position = 0;
  text = afterReturn(text);
  for (const found of text.matchAll(SEQUENCE)) {
    add(spans, style, text.slice(position, found.index));
    position = found.index + found[0].length;
    if (found[1] !== undefined) style = apply(style, found[1]);
  }
  add(spans, style, text.slice(position));
  return spans;
}

/** Appends the line to an element. Text goes in as text: nothing in a log is ever markup. Addresses of the web become links. */
export function renderAnsi(text, into) {
  for (const [classes, stretch] of splitAnsi(text)) {
    if (!classes) {
      into.append(...withLinks(stretch));
      continue;
    }
    const span = document.createElement("span");
    span.className = classes;
    span.append(...withLinks(stretch));
    into.append(span);
  }
}

/** Where it ends is where people would say so: punctuation behind an address is not of it. */
function withLinks(text) {
  if (!text.includes("://")) return [text];
  return text.split(/(\bhttps?:\/\/[^\s<>"'`{}|\\^]*[^\s<>"'`{}|\\^.,;:!?()[\]])/).map((part, index) => {
    if (index % 2 === 0) return part;
    const link = document.createElement("a");
    link.href = part;
    link.rel = "nofollow noopener noreferrer";
    link.target = "_blank";
    link.textContent = part;
    return link;
  });
}

function afterReturn(text) {
  if (!text.includes("\r")) return text;
  text = text.replace(/\r+$/, "");
  return text.slice(text.lastIndexOf("\r") + 1);
}

function add(spans, style, text) {
  const shown = text.replace(CONTROL, "");
  if (!shown) return;
  const classes = classesOf(style);
  const last = spans[spans.length - 1];
  if (last && last[0] === classes) last[1] += shown;
  else spans.push([classes, shown]);
}

function classesOf(style) {
  const names = ["b", "d", "i", "u", "s", "v"].filter((flag) => style[flag]);
  const [ink, ground] = style.v ? [style.ground, style.ink] : [style.ink, style.ground];
  if (ink !== null) names.push(`f${ink}`);
  if (ground !== null) names.push(`g${ground}`);
  return names.join(" ");
}

function apply(style, parameters) {
  const codes = readCodes(parameters);
  while (codes.length) {
    const code = codes.shift();
    if (code === 38 || code === 48) {
      const colour = takeColour(codes);
      if (colour !== null) style = { ...style, [code === 38 ? "ink" : "ground"]: colour };
    } else if (code === 0) style = PLAIN;
    else if (FLAGS[code]) style = { ...style, ...FLAGS[code] };
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) style = { ...style, ink: code < 40 ? code - 30 : code - 82 };
    else if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) style = { ...style, ground: code < 50 ? code - 40 : code - 92 };
  }
  return style;
}

function readCodes(parameters) {
  return parameters.split(";").flatMap((part) => {
    const numbers = part.split(":").map((number) => Number(number.slice(0, 6)) || 0);
    if (numbers.length === 6 && numbers[1] === 2) numbers.splice(2, 1);
    return numbers.length === 1 || numbers[0] === 38 || numbers[0] === 48 ? numbers : numbers.slice(0, 1);
  });
}

function takeColour(codes) {
  const kind = codes.length ? codes.shift() : 0;
  if (kind === 5 && codes.length) {
    const number = codes.shift();
    return number < 256 ? number : null;
  }
  if (kind === 2 && codes.length >= 3) {
    const wanted = codes.splice(0, 3);
    return Math.max(...wanted) < 256 ? nearest(wanted) : null;
  }
  codes.length = 0;
  return null;
}

function nearest(wanted) {
  const steps = wanted.map((value) => CUBE.reduce((best, level, step) => (Math.abs(level - value) < Math.abs(CUBE[best] - value) ? step : best), 0));
  const cube = 16 + 36 * steps[0] + 6 * steps[1] + steps[2];
  const sum = wanted[0] + wanted[1] + wanted[2];
  const grey = 232 + Math.min(23, Math.max(0, Math.floor((sum - 9) / 30)));
  const level = 8 + 10 * (grey - 232);
  const inCube = distance(steps.map((step) => CUBE[step]), wanted);
  return distance([level, level, level], wanted) < inCube ? grey : cube;
}

function distance(one, other) {
  return one.reduce((sum, value, index) => sum + (value - other[index]) ** 2, 0);
}
