// Dialogs, and short messages about what was done.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Store, useStore } from "../store.ts";

/** A dialog over the page. It is open while it is there; onClose takes it away. */
export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren; wide?: boolean }) {
  const ref = useRef<HTMLDialogElement>(null);
  const title = useId(); // a question may be over another dialog
  useEffect(() => {
    const opener = document.activeElement as HTMLElement | null;
    ref.current?.showModal();
    return () => opener?.focus?.();
  }, []);
  return (
    <dialog ref={ref} class={props.wide ? "wide" : ""} aria-labelledby={title} onClose={props.onClose}>
      <header>
        <h2 id={title}>{props.title}</h2>
        <button type="button" class="quiet" aria-label="Close" onClick={props.onClose}>
          ✕
        </button>
      </header>
      {props.children}
    </dialog>
  );
}

const message = new Store<{ text: string; bad: boolean; n: number } | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

/** Says shortly what was done, or what was not. */
export function say(text: string, bad = false): void {
  clearTimeout(timer);
  message.set({ text, bad, n: (message.value?.n ?? 0) + 1 });
  timer = setTimeout(() => message.set(null), bad ? 10_000 : 5000);
}

/** Where messages are shown and read out. */
export function Messages() {
  const m = useStore(message);
  return (
    <div class="messages" role="status" aria-live="polite">
      {m && (
        <p key={m.n} class={m.bad ? "bad" : ""}>
          {m.text}
        </p>
      )}
    </div>
  );
}
