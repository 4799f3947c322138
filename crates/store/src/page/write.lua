-- write.lua: create a page of a plan. Create-only, and only while the run waits for this very plan: a planner that
-- wakes up late writes nothing.
-- KEYS 1 run   2 ledger   3 recipients   4 tail   5 tally
-- ARGV 1 plan token   2 ledger   3 recipients   4 tail   5 count
-- Returns 1 written, 2 was there, 0 refused
local run = redis.call('HMGET', KEYS[1], 'state', 'plan_token')
if run[1] ~= 'frozen' or run[2] ~= ARGV[1] then return 0 end
if redis.call('EXISTS', KEYS[2]) == 1 then return 2 end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('SETRANGE', KEYS[2], SERVER_AT, this_server())
redis.call('SET', KEYS[3], ARGV[3])
redis.call('SET', KEYS[4], ARGV[4])
redis.call('HINCRBY', KEYS[5], 'planned', ARGV[5])
return 1
