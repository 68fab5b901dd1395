// One list with the older @neondatabase/api-client: api_client.mjs <organization>.
import { createApiClient } from "@neondatabase/api-client";

const neon = createApiClient({ apiKey: process.env.NEON_API_KEY, baseURL: process.env.NEON_API_HOST });
const [org_id] = process.argv.slice(2);
const names = [];
let cursor;
do {
  const { data } = await neon.listProjects({ org_id, limit: 100, cursor });
  names.push(...data.projects.map((project) => project.name));
  cursor = data.projects.length ? data.pagination?.cursor : undefined;
} while (cursor);
console.log(JSON.stringify(names));
