import { DatabaseSync } from 'node:sqlite';

/**
 * Has the store's own database refuse every commit, by whatever process, that leaves an item without annotations
 * which had some before: triggers count them, and a deferred foreign key is looked at when a transaction commits.
 */
export function forbidEmptyItemsInSqlite(storePath: string): void {
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

/** The same in PostgreSQL, by a deferred trigger. `ask` runs statements there. */
export async function forbidEmptyItemsInPostgres(ask: (sql: string) => Promise<unknown>): Promise<void> {
  await ask(`
    create table watched_items (item_id text primary key, n integer not null);
    insert into watched_items select item_id, count(*) from annotations group by item_id;
    create function count_annotation() returns trigger language plpgsql as $$ begin
      if tg_op = 'INSERT' then
        insert into watched_items values (new.item_id, 1)
          on conflict (item_id) do update set n = watched_items.n + 1;
      else
        update watched_items set n = n - 1 where item_id = old.item_id;
      end if;
      return null;
    end $$;
    create function refuse_empty() returns trigger language plpgsql as $$ begin
      if exists (select 1 from watched_items where item_id = new.item_id and n = 0) then
        raise exception 'an item without its predictions';
      end if;
      return null;
    end $$;
    create trigger watch_annotations after insert or delete on annotations
      for each row execute function count_annotation();
    create constraint trigger watch_items after insert or update on watched_items
      deferrable initially deferred for each row execute function refuse_empty()`);
}
