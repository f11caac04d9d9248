import { DatabaseSync } from 'node:sqlite';

/**
 * Has the store's own database refuse every commit, by whatever process, that leaves an item without annotations
 * which had some before: triggers count them, and a deferred foreign key is looked at when a transaction commits.
 */
export function forbidEmptyItems(storePath: string): void {
  const database = new DatabaseSync(storePath);
  try {
    database.exec(`
      begin immediate;
      create table allowed_counts (n integer primary key);
      insert into allowed_counts with recursive counting(n) as
        (select 1 union all select n + 1 from counting where n < 100) select n from counting;
      create table watched_items (
        item_id text primary key,
        n integer not null references allowed_counts (n) deferrable initially deferred
      );
      insert into watched_items select item_id, count(*) from annotations group by item_id;
      create trigger watch_insert after insert on annotations begin
        insert into watched_items values (new.item_id, 1) on conflict (item_id) do update set n = n + 1;
      end;
      create trigger watch_delete after delete on annotations begin
        update watched_items set n = n - 1 where item_id = old.item_id;
      end;
      commit;`);
  } finally {
    database.close();
  }
}
