// Starts @firestore-emulator/server on a free port of this machine: `node serve.mjs FOLDER`, where FOLDER holds the
// node_modules. Prints {"listening": "127.0.0.1:PORT"} and ends when standard input does.
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { resolve } from "node:path";

const { FirestoreServer } = createRequire(resolve(process.argv[2] ?? ".", "package.json"))("@firestore-emulator/server");

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
