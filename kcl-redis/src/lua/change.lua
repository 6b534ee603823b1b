-- Changes a row that is there, if every condition holds. KEYS: rows. ARGV: name, change, new body
-- or nothing to keep it.

local change = cjson.decode(ARGV[2])
local row, fields = judge(KEYS[1], ARGV[1], change)
if not fields then
  return answer(0, row, change.stamp)
end
for field, value in pairs(change.set or {}) do
  fields[field] = value
end
for _, field in ipairs(change.unset or {}) do
  fields[field] = nil
end
for _, field in ipairs(change.count or {}) do
  fields[field] = plus_one(fields[field] or '0')
end
local _, body = split(row)
if ARGV[3] then
  body = '\n' .. ARGV[3]
end
row = cjson.encode(fields) .. body
redis.call('HSET', KEYS[1], ARGV[1], row)
-- A message that cannot be sent is lost; the mailbox is not.
if change.publish then
  local sent = change.sharded and redis.pcall('SPUBLISH', change.publish, '')
  if not sent or (type(sent) == 'table' and sent.err) then
    redis.pcall('PUBLISH', change.publish, '')
  end
end
return answer(1, row, change.stamp)
