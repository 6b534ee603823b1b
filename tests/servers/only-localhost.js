// Preloaded into servers that would listen on every interface, at a port that has to be known
// before: they get a free port of the loopback interface, and tell which for which:
// "listening 4568 on 40001". They end when their standard input does, whoever started them.
'use strict';
const net = require('net');
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
  const [first] = args;
  const asked = typeof first === 'object' && first !== null ? first.port : first;
  const callback = args.find((arg) => typeof arg === 'function');
  this.once('listening', () => console.log(`listening ${asked} on ${this.address().port}`));
  return listen.call(this, { port: 0, host: '127.0.0.1' }, callback);
};
process.stdin.on('end', () => process.exit()).resume();
