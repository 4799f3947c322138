-- canary.lua: the verdict on a run's canary, once. With it goes what it entails: a canary that failed pauses the run in
-- the same step, so that the rest cannot begin in between.
-- KEYS 1 run
-- ARGV 1 verdict   2… fields and values that go with it
-- Returns 1 judged, 2 was judged already, 0 the run is not open
if redis.call('HEXISTS', KEYS[1], 'canary_judged') == 1 then return 2 end
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return 0 end
redis.call('HSET', KEYS[1], 'canary_judged', ARGV[1])
for at = 2, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
end
return 1
