// Where everything of a log stands, from top to bottom: headings of steps, and stretches of lines between what is folded.
// Folding changes the list of segments; where a line stands is found in it by halving. No page is needed here.

export const LINE = 20;
export const HEADING = 33;

export class Layout {
  constructor() {
    this.steps = []; // {number, name, state, time, since, isOpen, stretches: [[first line, count], …]}
    this.groups = []; // [line of ##[group], line of its ##[endgroup]], in order
    this.folded = new Set(); // first lines of groups
    this.segments = [];
    this.height = 0;
    this.total = 0; // lines that have a place here; more may have been fetched already
    this.openGroup = 0;
  }

  find(number) {
    return this.steps.find((step) => step.number === number);
  }

  /** The step with this number; a new one takes its place in order. */
  ensure(number, name = number ? `Step ${number}` : "Log") {
    let step = this.find(number);
    if (!step) {
      step = { number, name, state: "success", time: "", since: "", isOpen: true, stretches: [] };
      const place = this.steps.findIndex((other) => other.number > number);
      this.steps.splice(place < 0 ? this.steps.length : place, 0, step);
    }
    return step;
  }

  /** Lines that have come at the end of a step. */
  extend(number, line, count) {
    const step = this.ensure(number);
    const last = step.stretches[step.stretches.length - 1];
    if (last && last[0] + last[1] === line) last[1] += count;
    else step.stretches.push([line, count]);
    this.total = Math.max(this.total, line + count - 1);
  }

  /** Lines that have just come, `[time, number of the step, text]` each; those that were here before are left out. */
  take(from, lines) {
    for (let line = Math.max(from, this.total + 1); line < from + lines.length; line++) {
      const [, step, text] = lines[line - from];
      this.extend(step, line, 1);
      if (text.startsWith("##[group]")) this.openGroup = line;
      else if (text.startsWith("##[endgroup]") && this.openGroup) {
        this.groups.push([this.openGroup, line]);
        this.openGroup = 0;
      }
    }
    this.arrange();
  }

  arrange() {
    this.segments = [];
    let top = 0;
    const push = (segment, height) => {
      this.segments.push({ ...segment, top, height });
      top += height;
    };
    for (const step of this.steps) {
      push({ step }, HEADING);
      if (!step.isOpen) continue;
      let before = 0;
      for (const [first, count] of step.stretches) {
        for (const [from, to] of this.visible(first, first + count - 1)) {
          push({ step, from, to, inStep: before + from - first + 1 }, (to - from + 1) * LINE);
        }
        before += count;
      }
    }
    this.height = top;
  }

  /** What is left of a stretch without the insides of folded groups; a group's own heading stays. */
  *visible(first, last) {
    let from = first;
    for (let index = this.groupFrom(first); index < this.groups.length && this.groups[index][0] <= last; index++) {
      const [start, end] = this.groups[index];
      if (!this.folded.has(start)) continue;
      yield [from, start];
      from = end + 1;
    }
    if (from <= last) yield [from, last];
  }

  /** The index of the first group that begins at or after a line. */
  groupFrom(line) {
    let low = 0;
    let high = this.groups.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.groups[middle][0] < line) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The group around a line, its own heading not counted. */
  groupAround(line) {
    const group = this.groups[this.groupFrom(line) - 1];
    return group && group[0] < line && line <= group[1] ? group : undefined;
  }

  groupAt(line) {
    const group = this.groups[this.groupFrom(line)];
    return group && group[0] === line ? group : undefined;
  }

  /** The index of the segment at a height. */
  segmentAt(y) {
    let low = 0;
    let high = this.segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.segments[middle].top <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Open whatever hides a line; gives its height, or undefined where there is no such line. */
  reveal(line) {
    const step = this.steps.find((one) => one.stretches.some(([first, count]) => first <= line && line < first + count));
    if (!step) return undefined;
    const group = this.groupAround(line);
    if (!step.isOpen || (group && this.folded.has(group[0]))) {
      step.isOpen = true;
      if (group) this.folded.delete(group[0]);
      this.arrange();
    }
    const segment = this.segments.find((one) => one.from <= line && line <= one.to);
    return segment && segment.top + (line - segment.from) * LINE;
  }

  /** The line of the whole log that is this one of a step. */
  lineOf(number, inStep) {
    let rest = inStep;
    for (const [first, count] of this.find(number)?.stretches ?? []) {
      if (rest <= count) return first + rest - 1;
      rest -= count;
    }
    return undefined;
  }
}
