// A filter by a text that must be right exactly: it is asked for when one leaves the field or presses Enter.
import { setQuery } from "../router.ts";

export function TextFilter({ name, label, value }: { name: string; label: string; value: string }) {
  return (
    <form
      onSubmit={(e) => {
        e.preventDefault();
        setQuery({ [name]: String(new FormData(e.currentTarget).get(name) ?? "").trim() });
      }}
    >
      <input
        key={value}
        name={name}
        class={value ? "set" : ""}
        defaultValue={value}
        placeholder={label}
        aria-label={label}
        autocomplete="off"
        spellcheck={false}
        size={10}
        onBlur={(e) => {
          if (e.currentTarget.value.trim() !== value) setQuery({ [name]: e.currentTarget.value.trim() });
        }}
      />
    </form>
  );
}
