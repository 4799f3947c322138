-- release.lua: forget an idempotency key whose request created nothing.
-- KEYS 1 reservation hash
if redis.call('HEXISTS', KEYS[1], 'status') == 0 then redis.call('DEL', KEYS[1]) end
return 1
