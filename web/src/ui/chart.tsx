// Time series, drawn by uPlot, each with the same figures as a table beside it.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { serverNow } from "../api.ts";
import { theme, zone } from "../settings.ts";
import { useStore } from "../store.ts";
import { absolute, zoneName, zoneOf } from "../time.ts";

export interface Line {
  label: string;
  /** A custom property that has the colour: "--good". */
  color: string;
  values: (number | null)[];
  /** Draws bars in the place of a line. */
  bars?: boolean;
}

interface ChartProps {
  /** What the chart shows, for the table and for those who hear it. */
  title: string;
  /** The instants, in milliseconds. */
  at: number[];
  lines: Line[];
  /** Writes a value with its unit. */
  unit: (value: number) => string;
  height?: number;
  jobZone?: string | undefined;
  /** There is nothing between one and two: the axis has whole numbers. */
  whole?: boolean;
}

/** A chart with a table that one can have in its place. */
export function Chart(props: ChartProps) {
  const [table, setTable] = useState(false);
  return (
    <figure class="chart">
      <figcaption>
        <ul class="legend">
          {props.lines.map((l) => (
            <li key={l.label}>
              <i style={{ background: `var(${l.color})` }} /> {l.label}
            </li>
          ))}
        </ul>
        <button type="button" class="quiet" aria-pressed={table} onClick={() => setTable(!table)}>
          {table ? "Chart" : "Table"}
        </button>
      </figcaption>
      {table ? <Figures {...props} /> : <Plot {...props} />}
    </figure>
  );
}

function Plot(props: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const dark = useStore(theme);
  const choice = useStore(zone);
  const height = props.height ?? 180;
  const data = useMemo(
    () => [props.at.map((at) => at / 1000), ...props.lines.map((l) => l.values)] as uPlot.AlignedData,
    [props.at, props.lines],
  );
  const shape = JSON.stringify(props.lines.map((l) => [l.label, l.color, l.bars]));
  const latest = useRef({ props, data });
  latest.current = { props, data };

  // biome-ignore lint/correctness/useExhaustiveDependencies: the plot is made anew when its form or its colours change
  useEffect(() => {
    const at = box.current;
    if (!at) return;
    const now = latest.current;
    const made = new uPlot(optionsOf(now.props, at.clientWidth, height, zoneOf(choice, props.jobZone)), now.data, at);
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: at.clientWidth, height }));
    watch.observe(at);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const redraw = (): void => made.redraw(); // its paths too: they have the colours
    scheme.addEventListener("change", redraw);
    return () => {
      watch.disconnect();
      scheme.removeEventListener("change", redraw);
      made.destroy();
    };
  }, [shape, height, choice, dark, props.jobZone]);
  useEffect(() => plot.current?.setData(data), [data]);

  return (
    <div
      class="plot"
      ref={box}
      style={{ height: `${height}px` }}
      role="img"
      aria-label={`${props.title}. The button Table shows the figures.`}
    />
  );
}

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function optionsOf(props: ChartProps, width: number, height: number, tz: string): uPlot.Options {
  const axis = {
    stroke: () => css("--muted"),
    grid: { stroke: () => css("--line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  // 24 hours, whatever the browser's language: the table says the same
  const date = "{YYYY}-{MM}-{DD}";
  const first = `\n${date} ${zoneName(props.at.at(-1) ?? serverNow(), tz)}`;
  const day = `\n${date}`;
  const times = [
    [86400, date, null, null, null, null, null, null, 1],
    [3600, "{HH}:{mm}", first, null, day, null, null, null, 1],
    [60, "{HH}:{mm}", first, null, day, null, null, null, 1],
    [1, "{HH}:{mm}:{ss}", first, null, day, null, null, null, 1],
  ];
  const bars = uPlot.paths.bars?.({ size: [0.8, 40], align: 1 });
  return {
    width,
    height,
    legend: { show: false },
    padding: [8, 30, 0, 0],
    tzDate: (s) => uPlot.tzDate(new Date(s * 1000), tz),
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { x: { time: true, range: rangeOf }, y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] } },
    axes: [
      { ...axis, values: times as uPlot.Axis.Values },
      {
        ...axis,
        size: 74,
        values: (_u: uPlot, ticks: number[]) => ticks.map((v) => props.unit(v)),
        ...(props.whole ? { incrs: wholeSteps } : {}),
      },
    ],
    series: [
      {},
      ...props.lines.map((l) => ({
        label: l.label,
        stroke: () => css(l.color),
        width: l.bars ? 0 : 1.5,
        fill: l.bars ? () => css(l.color) : undefined,
        paths: l.bars ? bars : undefined,
        // with few points each is shown, so that one between two gaps is seen
        points: { show: !l.bars && props.at.length <= 60, size: 4 },
      })),
    ] as uPlot.Series[],
    plugins: [tip(props, tz)],
  };
}

/** Steps of an axis of whole numbers: 1, 2, 5, 10, 20 ... */
const wholeSteps = Array.from({ length: 12 }, (_, i) => [1, 2, 5].map((n) => n * 10 ** i)).flat();

/** The seconds that are shown: at least one minute, so that a single point is not lost in years. */
export function rangeOf(_: unknown, min: number | null, max: number | null): [number, number] {
  const to = max ?? serverNow() / 1000;
  return [Math.min(min ?? to, to - 60), to];
}

/** The values under the pointer. */
function tip(props: ChartProps, tz: string): uPlot.Plugin {
  const box = document.createElement("div");
  box.className = "tip";
  box.hidden = true;
  return {
    hooks: {
      init: (u) => {
        u.over.append(box);
        u.over.addEventListener("mouseleave", () => {
          box.hidden = true;
        });
      },
      setCursor: (u) => {
        const i = u.cursor.idx;
        const at = u.data[0][i ?? -1];
        if (i === null || i === undefined || at === undefined) {
          box.hidden = true;
          return;
        }
        const rows = u.series.slice(1).map((s, n) => {
          const v = u.data[n + 1]?.[i];
          return `${s.label}: ${v === null || v === undefined ? "–" : props.unit(v)}`;
        });
        box.textContent = [absolute(at * 1000, tz), ...rows].join("\n");
        box.hidden = false;
        const left = u.cursor.left ?? 0;
        box.style.transform = `translate(${left > u.over.clientWidth / 2 ? left - box.offsetWidth - 12 : left + 12}px, 4px)`;
      },
    },
  };
}

/** The figures of a chart, the newest first. */
function Figures(props: ChartProps) {
  const tz = zoneOf(useStore(zone), props.jobZone);
  const rows = props.at.map((at, i) => ({ at, i })).reverse();
  return (
    <div
      class="scroll"
      tabIndex={0}
      role="region"
      aria-label={props.title}
      style={{ height: `${props.height ?? 180}px` }}
    >
      <table class="plain">
        <caption class="hidden">{props.title}</caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {props.lines.map((l) => (
              <th key={l.label} scope="col" class="num">
                {l.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ at, i }) => (
            <tr key={at}>
              <th scope="row">{absolute(at, tz)}</th>
              {props.lines.map((l) => {
                const v = l.values[i];
                return (
                  <td key={l.label} class="num">
                    {v === null || v === undefined ? "–" : props.unit(v)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
