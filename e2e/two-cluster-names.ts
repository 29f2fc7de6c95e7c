/** Clusters of the story of two: made beside a lane's own, and taken away with it. */
export const twoClusterNames = (cluster: string): readonly [management: string, ofPods: string] => [
  `${cluster}-m`,
  `${cluster}-s`,
]
