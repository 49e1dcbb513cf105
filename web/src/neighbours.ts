// The neighbour of an entry in a list that begins with the newest.

interface Range {
  from: number;
  to: number;
  limit: number;
}

const windows = [60_000, 3_600_000, 86_400_000, 31 * 86_400_000, Number.POSITIVE_INFINITY];

/** How many entries are asked for at a time. */
const most = 1000;

/**
 * The first entry after an instant, and before another one. The list begins with its newest entry, so the time is
 * searched in steps; where a step has more entries than a page, it is halved until the page has all of them.
 */
export async function following<T>(
  after: number,
  end: number,
  ask: (range: Range) => Promise<{ items: T[]; more: boolean }>,
): Promise<T | undefined> {
  let from = after + 1;
  for (const length of windows) {
    let to = Math.min(after + length, end);
    while (from < to) {
      const page = await ask({ from, to, limit: most });
      const first = page.items.at(-1);
      if (!page.more) {
        if (first !== undefined) return first;
        from = to; // nothing up to here
        break;
      }
      if (to - from === 1) return first;
      to = from + Math.floor((to - from) / 2);
      const half = await ask({ from, to, limit: 1 });
      if (half.items.length === 0 && !half.more) {
        from = to;
        to = Math.min(after + length, end);
      }
    }
    if (from >= end) return undefined;
  }
  return undefined;
}
