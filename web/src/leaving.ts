// What is typed is not lost without a question.
import { useEffect, useRef } from "preact/hooks";
import { guardLeaving } from "./router.ts";

/** The browser asks before it closes a page with changes, and the page before it shows another view. */
export function useLeaveWarning(changed: boolean, saving: boolean): void {
  const lost = changed && !saving;
  const latest = useRef(lost);
  latest.current = lost;
  useEffect(() => {
    const ask = (e: BeforeUnloadEvent): void => {
      if (latest.current) e.preventDefault();
    };
    addEventListener("beforeunload", ask);
    const free = guardLeaving(() => latest.current);
    return () => {
      removeEventListener("beforeunload", ask);
      free();
    };
  }, []);
}
