// A table of which every row is there. In a narrow window each row is a card: a line for each column, with its name.
import type { ComponentChildren } from "preact";

/** The head of a column. One of buttons has none. */
export type Column = string | { title: string; num: true };

const titleOf = (c: Column): string => (typeof c === "string" ? c : c.title);

/** The names of the columns as custom properties, for the style of a narrow window. */
function namesOf(columns: readonly Column[]): Record<string, string> {
  return Object.fromEntries(columns.map((c, i) => [`--column-${i + 1}`, JSON.stringify(titleOf(c))]));
}

export function Table(props: {
  /** What the rows are, for those who hear the page. */
  label: string;
  columns: readonly Column[];
  children: ComponentChildren;
}) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={props.label}>
      <table class="plain cards" style={namesOf(props.columns)}>
        <thead>
          <tr>
            {props.columns.map((c) =>
              titleOf(c) === "" ? (
                <td key="buttons" />
              ) : (
                <th key={titleOf(c)} scope="col" class={typeof c === "string" ? undefined : "num"}>
                  {titleOf(c)}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}
