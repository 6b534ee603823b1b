-- Deletes a row, if every condition holds. KEYS: rows, names. ARGV: name, change.

local row, fields = judge(KEYS[1], ARGV[1], cjson.decode(ARGV[2]))
if not fields then
  return answer(0, row)
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return answer(1, row)
