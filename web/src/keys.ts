// The keys of the page.

/** What a key asks for. */
export type Asked = { kind: "search" } | { kind: "help" } | { kind: "go"; key: string } | { kind: "none" };

/** Follows keys: `/` searches, `?` lists the keys, `g` and then a letter goes to a view. */
export class Keys {
  #went = Number.NEGATIVE_INFINITY;

  /** What a key asks for that is pressed at an instant. Keys with Ctrl, Alt or Meta are the browser's. */
  press(key: string, at: number, typing: boolean, modified: boolean): Asked {
    if (typing || modified) return { kind: "none" };
    const going = at - this.#went < 1500;
    this.#went = Number.NEGATIVE_INFINITY;
    if (going && /^[a-z]$/.test(key)) return { kind: "go", key };
    if (key === "/") return { kind: "search" };
    if (key === "?") return { kind: "help" };
    if (key === "g") this.#went = at;
    return { kind: "none" };
  }
}

/** Whether keys that are pressed at an element are a text. */
export function takesText(e: Element | null): boolean {
  if (!e) return false;
  if (e.tagName === "TEXTAREA" || e.tagName === "SELECT" || (e as HTMLElement).isContentEditable) return true;
  return e.tagName === "INPUT" && !/^(checkbox|radio|button|submit)$/.test((e as HTMLInputElement).type);
}
