// The first example of @neondatabase/toolkit's README, without its SQL: no server listens behind a simulated project.
// The toolkit takes no address of the API: its client gets one.
import { NeonToolkit } from "@neondatabase/toolkit";

const toolkit = new NeonToolkit(process.env.NEON_API_KEY);
toolkit.apiClient.instance.defaults.baseURL = process.env.NEON_API_HOST;

const project = await toolkit.createProject({ org_id: process.env.NEON_ORG_ID });
const left = { uri: project.connectionURIs[0].connection_uri, operations: project.operations.length };
const answer = await toolkit.deleteProject(project).then(() => 200, (error) => error.response.status);
console.log(JSON.stringify({ id: project.project.id, answer, ...left }));
