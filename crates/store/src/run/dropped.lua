-- dropped.lua: keep rows that a run does not send to. Only while the run waits for this very plan; the same plan twice
-- writes the same.
-- KEYS 1 run   2 dropped
-- ARGV 1 plan token   2 number of the part   3 its rows
-- Returns 1, or 0 when the run no longer waits for this plan.
local run = redis.call('HMGET', KEYS[1], 'state', 'plan_token')
if run[1] ~= 'frozen' or run[2] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
return 1
