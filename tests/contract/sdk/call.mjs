// One call of @neon/sdk: call.mjs <method such as projects.update> <input as JSON> [options as JSON].
// Lists are read to their end. Prints what the call gave, or its error.
import { client, print } from "./client.mjs";

const [name, input, options = "{}"] = process.argv.slice(2);
const path = name.split(".");
const resource = path.slice(0, -1).reduce((found, member) => found[member], client());
const given = resource[path.at(-1)](JSON.parse(input), JSON.parse(options));
print(await (typeof given.all === "function" ? given.all() : given));
