// A table of what is set up, and of what came of it: rows with their buttons, and what is said of none.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { call } from "../api.ts";
import { ErrorNote, Skeleton } from "./basics.tsx";
import { say } from "./dialog.tsx";
import { Confirm } from "./settingform.tsx";
import { Table } from "./table.tsx";

/** The rows of an answer, once there is one; until then their place, and what went wrong. */
export function SettingTable<T>(props: {
  asked: { error: Error | undefined; reload: () => void };
  rows: T[] | undefined;
  /** What the rows are, for those who hear the page. */
  label: string;
  /** The heads of the columns. That of the buttons has none. */
  columns: readonly string[];
  /** The height of the place, in pixels. */
  height: number;
  /** Whether the table is in a panel already. */
  within?: boolean;
  /** What is shown in the place of no rows. */
  empty: ComponentChildren;
  children: (row: T) => ComponentChildren;
}) {
  const { asked, rows } = props;
  const table = (
    <Table label={props.label} columns={[...props.columns, ""]}>
      {rows?.map(props.children)}
    </Table>
  );
  return (
    <>
      <ErrorNote error={asked.error} retry={asked.reload} />
      {!rows && !asked.error && <Skeleton height={props.height} />}
      {rows?.length === 0 && props.empty}
      {!!rows?.length && (props.within ? table : <div class="panel">{table}</div>)}
    </>
  );
}

/** Which of what is configured is in a dialog. What is edited is an E, "new" for something that is made. */
export function useDialogs<E, D>(reload: () => void) {
  const [editing, edit] = useState<E | "new">();
  const [deleting, remove] = useState<D>();
  const close = (): void => {
    edit(undefined);
    remove(undefined);
    reload();
  };
  return { editing, edit, deleting, remove, close };
}

/** The buttons of a row. A button that is not offered does nothing there. */
export function RowActions(props: {
  /** What is in the row, for those who hear the page. */
  name: string;
  edit?: string;
  remove?: string;
  onEdit?: (() => void) | undefined;
  onRemove?: (() => void) | undefined;
  /** Buttons before those. */
  children?: ComponentChildren;
}) {
  const { name, edit = "Edit", remove = "Delete", onEdit, onRemove } = props;
  return (
    <div class="actions">
      {props.children}
      {onEdit && (
        <button type="button" aria-label={`${edit} ${name}`} onClick={onEdit}>
          {edit}
        </button>
      )}
      {onRemove && (
        <button type="button" class="danger" aria-label={`${remove} ${name}`} onClick={onRemove}>
          {remove}
        </button>
      )}
    </div>
  );
}

type Deletes =
  | "DELETE /alerts/channels/{id}"
  | "DELETE /alerts/rules/{id}"
  | "DELETE /alerts/silences/{id}"
  | "DELETE /alerts/windows/{id}";

/** Asks before one of what is configured is deleted. children: what follows from it. */
export function DeleteSetting(props: {
  route: Deletes;
  id: string;
  /** What it is, as in "Delete the rule?". */
  what: string;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const { route, id, what } = props;
  const act = async (): Promise<void> => {
    say((await call(route, { path: { id } })).message);
  };
  return (
    <Confirm title={`Delete the ${what}?`} does={`Delete the ${what}`} act={act} onClose={props.onClose}>
      {props.children}
    </Confirm>
  );
}
