// A table of which only the rows near the window exist, and which loads its next page when its end comes near.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { outage } from "../api.ts";
import type { Pages } from "../use.ts";
import { ErrorNote } from "./basics.tsx";

export interface Column<T> {
  title: string;
  /** The name of the column for the styles: its width, and whether it is there in a narrow window. */
  name: string;
  cell: (item: T, index: number) => ComponentChildren;
  /** A heading that does more than name the column. */
  head?: ComponentChildren;
  /** The order that the heading asks for. */
  sort?: Order;
}

/** An order of a list that a column stands for. */
export interface Order {
  /** Which values come first. */
  direction: "ascending" | "descending";
  /** What comes first, in words. */
  words: string;
  /** Whether the list is in this order. */
  on: boolean;
  /** Asks for the order, or takes it away. */
  toggle: () => void;
}

const overscan = 12;

/** rowHeight is that of every row, in pixels: rows that are not there keep their place by it. */
export function List<T>(props: {
  title: string;
  pages: Pages<T>;
  columns: Column<T>[];
  id: (item: T) => string;
  rowHeight?: number;
  /** What is shown in the place of no rows. */
  empty: ComponentChildren;
  selected?: (item: T) => boolean;
  /** Loads what is seen anew so many milliseconds apart. */
  every?: number;
}) {
  const { pages, columns } = props;
  const height = props.rowHeight ?? 56;
  const body = useRef<HTMLTableSectionElement>(null);
  const [range, setRange] = useState({ from: 0, to: 40 });
  const { items, done, loading, more, error } = pages;

  useEffect(() => {
    const look = (): void => {
      const top = body.current?.getBoundingClientRect().top ?? 0;
      const from = Math.max(0, Math.floor(-top / height) - overscan);
      const to = Math.max(0, Math.ceil((innerHeight - top) / height)) + overscan;
      setRange((r) => (r.from === from && r.to === to ? r : { from, to }));
    };
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, [height]);
  useEffect(() => {
    if (!done && !loading && !error && range.to >= items.length) more();
  }, [range, items, done, loading, error, more]);

  const { every } = props;
  const { refresh, key } = pages;
  const seen = useRef((): boolean => true);
  seen.current = () => {
    const top = body.current?.getBoundingClientRect().top ?? 0;
    return refresh(Math.max(0, Math.floor(-top / height)), Math.max(0, Math.ceil((innerHeight - top) / height)));
  };
  useEffect(() => {
    if (!every) return;
    const timer = setInterval(() => {
      if (!document.hidden && outage.value === null) seen.current();
    }, every);
    return () => clearInterval(timer);
  }, [every]);

  // What was kept of an earlier visit is shown at once, and loaded anew when the way back has scrolled there.
  const old = useRef({ key: "", kept: false });
  if (old.current.key !== key) old.current = { key, kept: items.length > 0 || done };
  // biome-ignore lint/correctness/useExhaustiveDependencies: another key is another list
  useEffect(() => {
    if (!old.current.kept) return;
    let timer = setTimeout(function again() {
      if (!seen.current()) timer = setTimeout(again, 100);
    }, 100);
    return () => clearTimeout(timer);
  }, [key]);

  const from = Math.min(range.from, Math.max(0, items.length - 1));
  const shown = items.slice(from, range.to);
  const after = Math.max(0, items.length - from - shown.length);
  if (done && items.length === 0) return <div class="empty">{props.empty}</div>;
  return (
    <>
      <table class="list" aria-label={props.title} aria-rowcount={done ? items.length + 1 : -1} aria-busy={loading}>
        <thead>
          <tr>
            {columns.map((c) => (
              <th
                key={c.name}
                scope="col"
                class={`c-${c.name}`}
                {...(c.sort?.on ? { "aria-sort": c.sort.direction } : {})}
              >
                {c.head ?? (c.sort ? <Sorter title={c.title} sort={c.sort} /> : c.title)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body}>
          {from > 0 && <Gap rows={from} height={height} columns={columns.length} />}
          {shown.map((item, i) => (
            <tr
              key={props.id(item)}
              aria-rowindex={from + i + 2}
              class={props.selected?.(item) ? "selected" : ""}
              style={{ height: `${height}px` }}
            >
              {columns.map((c) => (
                <td key={c.name} class={`c-${c.name}`}>
                  {c.cell(item, from + i)}
                </td>
              ))}
            </tr>
          ))}
          {after > 0 && <Gap rows={after} height={height} columns={columns.length} />}
          {!done && !error && <Waiting after={items.length} height={height} columns={columns} />}
        </tbody>
      </table>
      <ErrorNote error={error} retry={more} />
      {done && <p class="muted end">{items.length > 20 ? "That is all." : " "}</p>}
    </>
  );
}

function Sorter({ title, sort }: { title: string; sort: Order }) {
  return (
    <button type="button" class="sorter" title={sort.on ? undefined : sort.words} onClick={sort.toggle}>
      {title}
      <span aria-hidden="true">{sort.direction === "ascending" ? "▲" : "▼"}</span>
    </button>
  );
}

function Gap({ rows, height, columns }: { rows: number; height: number; columns: number }) {
  return (
    <tr aria-hidden="true" class="gap">
      <td colSpan={columns} style={{ height: `${rows * height}px` }} />
    </tr>
  );
}

/** The rows that are to come after some. They are other rows than those that waited before: none of them jumps. */
function Waiting<T>({ after, height, columns }: { after: number; height: number; columns: Column<T>[] }) {
  return (
    <>
      {Array.from({ length: after ? 3 : 8 }, (_, i) => (
        <tr key={`w${after + i}`} aria-hidden="true" class="waiting" style={{ height: `${height}px` }}>
          {columns.map((c) => (
            <td key={c.name} class={`c-${c.name}`}>
              <i />
            </td>
          ))}
        </tr>
      ))}
    </>
  );
}
