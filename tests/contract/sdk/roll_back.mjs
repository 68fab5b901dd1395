// A snapshot, a look at what it holds, and the decision: roll_back.mjs <project> <branch> <keep or drop>.
import { client, print } from "./client.mjs";

const [projectId, branchId, decision] = process.argv.slice(2);
const neon = client();
const waiting = { waitForReadiness: true };
const taken = await neon.snapshots.create({ projectId, branchId, name: "v1" }, waiting);
if (taken.error) throw taken.error;
const preview = async (branch) => {
  const { data } = await neon.branches.get({ projectId, branchId: branch.id });
  return data.current_state === "ready" && decision === "keep";
};
const snapshotId = taken.data.id;
print(await neon.snapshots.restore({ projectId, snapshotId, targetBranchId: branchId, name: "look", preview }));
