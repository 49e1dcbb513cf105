// How bad an alert is.
import type { Level } from "../alerting.ts";
import { Icon } from "./basics.tsx";

const levels: Record<Level, [style: string, icon: string, text: string]> = {
  CRITICAL: ["s-failed", "alerts", "Critical"],
  WARNING: ["warn", "alerts", "Warning"],
  INFO: ["s-running", "clock", "Info"],
};

/** A level in words, with a mark that is no colour alone. */
export function LevelBadge({ level }: { level: Level }) {
  const [style, icon, text] = levels[level];
  return (
    <span class={`badge ${style}`}>
      <Icon name={icon} /> {text}
    </span>
  );
}
