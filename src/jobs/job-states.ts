/** `waiting`: due. `delayed`: its time, its next try or its turn in its group is still to come. `dead`: given up, until somebody replays or discards it. */
export type JobState = 'waiting' | 'delayed' | 'running' | 'dead'

export const jobStates: readonly JobState[] = ['waiting', 'delayed', 'running', 'dead']
