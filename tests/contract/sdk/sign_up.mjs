// What a platform does for a new tenant: a project, a branch to develop on, and the way to both.
import { client } from "./client.mjs";

const neon = client();
const told = ({ data, error }) => {
  if (error) throw error;
  return data;
};
const made = told(await neon.projects.createAndConnect({ name: "acme", pooled: false }));
const projectId = made.project.id;
const parent = told(await neon.branches.getDefault({ projectId }));
const compute = { minCu: 0.25, maxCu: 1, suspendTimeoutSeconds: 600 };
const dev = told(await neon.branches.createAndConnect({ projectId, name: "dev", parentId: parent.id, compute }));
const found = told(await neon.postgres.connectionString({ projectId, branchId: dev.branch.id }));
const operations = told(await neon.operations.list({ projectId }).all());
console.log(JSON.stringify({ made, parent, dev, found, operations }));
