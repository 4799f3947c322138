-- relist.lua: the suppression list has changed. Whoever begins attempts of the run hears so with the answer, and looks at
-- the list before it POSTs any of them.
-- KEYS 1 run
-- ARGV 1 state of the list: any number that no earlier one was
-- Returns 1, or 0 when there is no such run.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'suppressions', ARGV[1])
return 1
