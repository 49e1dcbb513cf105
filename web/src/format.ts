// Numbers with their units, as people read them.

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const digits3 = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });

/** 1234567 -> "1,234,567" */
export const count = (n: number): string => whole.format(n);

/** 1234567 -> "1.23 M"; below 10,000 all digits. */
export function compact(n: number): string {
  const size = Math.abs(n);
  if (size < 10_000) return whole.format(n);
  for (const [at, unit] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (size >= at * 0.9995) return `${digits3.format(n / at)} ${unit}`;
  }
  return whole.format(n);
}

/** "1 job", "2 jobs", "1,000 jobs" */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** Milliseconds: "340 ms", "1.25 s", "3 min 20 s", "2 h 5 min", "3 d 4 h". */
export function duration(ms: number): string {
  const sign = ms < 0 ? "-" : "";
  const size = Math.abs(ms);
  if (size < 1000) return `${sign}${digits3.format(size)} ms`;
  if (size < 59_950) return `${sign}${digits3.format(size / 1000)} s`;
  const s = Math.round(size / 1000);
  const parts: [number, string][] = [
    [Math.floor(s / 86400), "d"],
    [Math.floor((s % 86400) / 3600), "h"],
    [Math.floor((s % 3600) / 60), "min"],
    [s % 60, "s"],
  ];
  const first = parts.findIndex(([n]) => n > 0);
  return (
    sign +
    parts
      .slice(first, first + 2)
      .filter(([n]) => n > 0)
      .map(([n, unit]) => `${n} ${unit}`)
      .join(" ")
  );
}

/** A part of a whole: "99.95 %"; "–" of nothing. It is never rounded up to 100. */
export function percent(part: number, all: number): string {
  if (all <= 0) return "–";
  return `${(Math.floor((part / all) * 10_000) / 100).toFixed(2)} %`;
}

/** A rate, of a second or, where that is next to nothing, of an hour: "0.2/s", "1,240/s", "2/h". */
export function rate(n: number): string {
  if (n > 0 && n < 0.01) return `${digits3.format(n * 3600)}/h`;
  return `${n >= 100 ? compact(Math.round(n)) : digits3.format(n)}/s`;
}
