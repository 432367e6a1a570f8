-- As in 0007_bi.sql, of what is open only. There every call wrote a thousand rows of the catalogue anew, though all was closed long
-- ago, and every new reader is such a call: it took its time, stood in the way of others, and they in its.
CREATE OR REPLACE FUNCTION close_to_public() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    statement text;
BEGIN
    LOCK TABLE bi_readers IN EXCLUSIVE MODE;  -- two at once would trip over each other's changes of the catalogue
    FOR statement IN
        WITH routines AS (
            SELECT oid, proname, pronamespace FROM pg_proc WHERE has_function_privilege('public', oid, 'EXECUTE')
        ), taken(privilege, place) AS (
            SELECT 'TEMPORARY', format('DATABASE %I', current_database())
            WHERE has_database_privilege('public', current_database(), 'TEMPORARY')
            UNION ALL
            SELECT 'CREATE', 'SCHEMA public' WHERE has_schema_privilege('public', 'public', 'CREATE')
            UNION ALL
            SELECT 'EXECUTE', format('ALL ROUTINES IN SCHEMA %I', nspname) FROM pg_namespace
            WHERE nspname ~ '^_?timescaledb_' AND EXISTS (SELECT FROM routines WHERE pronamespace = pg_namespace.oid)
            UNION ALL
            SELECT 'EXECUTE', format('FUNCTION %s', oid::regprocedure) FROM routines
            WHERE pronamespace = 'pg_catalog'::regnamespace
              AND (proname ~ '^lo_(creat|create|from_bytea|import|put|truncate|truncate64)$' OR proname = 'lowrite'
                   OR proname ~ '^pg_(try_)?advisory_(xact_)?lock' OR proname ~ '_to_xml')
        )
        SELECT format('GRANT %1$s ON %2$s TO CURRENT_USER; REVOKE %1$s ON %2$s FROM PUBLIC', privilege, place) FROM taken
    LOOP
        BEGIN
            EXECUTE statement;
        EXCEPTION
            WHEN insufficient_privilege THEN NULL;
        END;
    END LOOP;
END $$;
SELECT close_to_public();
