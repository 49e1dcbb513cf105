// How bad an alert is.
import type { Level } from "../alerting.ts";
import { Badge, type BadgeOf } from "./basics.tsx";

const levels: Record<Level, BadgeOf> = {
  CRITICAL: ["s-failed", "alerts", "Critical"],
  WARNING: ["warn", "alerts", "Warning"],
  INFO: ["s-running", "clock", "Info"],
};

export function LevelBadge({ level }: { level: Level }) {
  return <Badge of={levels[level]} />;
}
