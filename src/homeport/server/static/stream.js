// Server-sent events that come again. Browsers do so where a connection is cut, but give a stream up for good when something else
// answers meanwhile: a proxy whose server is away, a server whose disk is full. A tab that nobody sees has no stream: browsers hold six
// connections to a server, over all tabs, and a seventh page would not load.

const PAUSE = 2000;
const LONGEST_PAUSE = 60_000;

/**
 * Listen until `end` is heard. `address()` is asked for each new stream, so that it can begin after what is known; `heard` are functions
 * by the event's name; `tell(isThere)` hears when the server goes away and when it is there again.
 */
export function listen(address, heard, tell = () => {}) {
  let source = null;
  let pause = PAUSE;
  let timer = 0;
  let isOver = false;

  const begin = () => {
    source = new EventSource(address());
    source.addEventListener("open", () => {
      pause = PAUSE;
      tell(true);
    });
    source.addEventListener("error", () => {
      tell(false);
      if (source.readyState !== EventSource.CLOSED) return; // the browser tries by itself
      timer = setTimeout(begin, pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    });
    for (const [name, act] of Object.entries(heard)) {
      source.addEventListener(name, (event) => {
        if (name === "end") {
          isOver = true;
          source.close();
        }
        act(event);
      });
    }
  };

  document.addEventListener("visibilitychange", () => {
    if (isOver) return;
    clearTimeout(timer);
    source?.close();
    source = null;
    if (!document.hidden) begin();
  });
  if (!document.hidden) begin();
}
