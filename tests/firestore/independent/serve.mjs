// Starts @firestore-emulator/server on a free port of this machine: `node serve.mjs FOLDER`, where FOLDER holds the
// node_modules. Prints {"listening": "127.0.0.1:PORT"} and ends when standard input does.
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { resolve } from "node:path";

const installed = createRequire(resolve(process.argv[2] ?? ".", "package.json"));
const { FirestoreServer } = installed("@firestore-emulator/server");
const { Server, status } = createRequire(installed.resolve("@firestore-emulator/server"))("@grpc/grpc-js");

// A method that the package does not have throws, which gRPC tells as UNKNOWN. Any other server says UNIMPLEMENTED.
const { addService } = Server.prototype;
Server.prototype.addService = function (definition, implementation) {
  const handle = (name) => (call, callback) => {
    try {
      return implementation[name](call, callback);
    } catch (error) {
      if (!/not implemented/.test(error.message)) throw error;
      const answer = { code: status.UNIMPLEMENTED, details: error.message };
      return callback ? callback(answer) : call.emit("error", answer);
    }
  };
  const handlers = Object.keys(definition).map((name) => [name, handle(name)]);
  return addService.call(this, definition, Object.fromEntries(handlers));
};

/** A port that is free now: the package does not tell which one it got for port 0. */
function freePort() {
  return new Promise((found, failed) => {
    const probe = createServer().once("error", failed);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => found(port));
    });
  });
}

/** Somebody else may take the port before the server does. */
async function start(tries) {
  const port = await freePort();
  const server = new FirestoreServer();
  try {
    await server.start(port);
    return port;
  } catch (error) {
    if (tries === 0) throw error;
    return start(tries - 1);
  }
}

const port = await start(5);
process.stdin.resume().on("end", () => process.exit(0));
process.stdin.on("error", () => process.exit(0));
process.stdout.write(`${JSON.stringify({ listening: `127.0.0.1:${port}` })}\n`);
