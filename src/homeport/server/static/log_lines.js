// The lines of a log, as far as they were needed: fetched in blocks, added to by a stream. Lines are counted from 1.

const BLOCK = 1000;
const MOST_BLOCKS = 80;

export class Lines {
  constructor(address, onArrival) {
    this.address = address;
    this.onArrival = onArrival;
    this.blocks = new Map(); // number of the block → {lines, count}; the one used last stands last
    this.pending = new Set();
    this.total = 0;
  }

  /** [milliseconds, number of the step, text], or undefined while it is not here. */
  get(line) {
    return this.blocks.get(Math.floor((line - 1) / BLOCK))?.lines[(line - 1) % BLOCK];
  }

  /** Fetch what is missing between two lines. */
  want(first, last) {
    for (let index = Math.floor((first - 1) / BLOCK); index <= Math.floor((last - 1) / BLOCK); index++) {
      const block = this.blocks.get(index);
      if (block && block.count >= Math.min(BLOCK, this.total - index * BLOCK)) {
        this.blocks.delete(index);
        this.blocks.set(index, block);
      } else if (!this.pending.has(index)) this.fetch(index);
    }
  }

  async fetch(index) {
    this.pending.add(index);
    try {
      const answer = await fetch(`${this.address}?from=${index * BLOCK + 1}&count=${BLOCK}`);
      if (answer.ok) {
        const { from, lines } = await answer.json();
        this.put(from, lines);
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // the server is away: whoever still wants the block asks again
    } finally {
      this.pending.delete(index);
    }
  }

  put(from, lines) {
    for (let offset = 0; offset < lines.length; offset++) {
      const place = from + offset - 1;
      const index = Math.floor(place / BLOCK);
      let block = this.blocks.get(index);
      if (!block) this.blocks.set(index, (block = { lines: new Array(BLOCK), count: 0 }));
      if (block.lines[place % BLOCK] === undefined) block.count++;
      block.lines[place % BLOCK] = lines[offset];
    }
    while (this.blocks.size > MOST_BLOCKS) this.blocks.delete(this.blocks.keys().next().value);
    this.total = Math.max(this.total, from + lines.length - 1);
    this.onArrival();
  }
}
