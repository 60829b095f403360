/** Which engine answers on a socket. Podman through its Docker-compatible service. */
export type EngineKind = 'docker' | 'podman'

export interface EngineInfo {
  readonly kind: EngineKind
  /** The engine's own version, "20.10.24". */
  readonly version: string
  /** The API version spoken on this connection, "1.41". */
  readonly apiVersion: string
  /** "overlay2", "overlayfs" (containerd store), "overlay" (Podman), "vfs", … */
  readonly storageDriver: string
  /** The engine's data root on the host, "/var/lib/docker". */
  readonly dataRoot: string
  /** Whether the engine remaps user ids by default (userns-remap). */
  readonly usernsRemap: boolean
  /** Whether it runs as a user other than root: that user is its containers' root. */
  readonly rootless: boolean
  /** The engine's own security options, as it lists them: "name=seccomp,profile=default". */
  readonly securityOptions: readonly string[]
  readonly liveRestore: boolean
  /** Of containers that choose none, "json-file". */
  readonly loggingDriver: string
  /** Host names and address ranges spoken to without TLS, without the loopback ranges every engine lists. */
  readonly insecureRegistries: readonly string[]
  readonly authorizationPlugins: readonly string[]
  readonly experimental: boolean
  /** What runs containers that choose nothing else, "runc"; its version as far as the engine knows, "1.1.5", else empty. */
  readonly runtime: { readonly name: string; readonly version: string }
  /** Null when this engine is in no swarm. */
  readonly swarm: { readonly managers: number; readonly isManager: boolean } | null
}

export type ContainerState = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead'

export interface ContainerSummary {
  /** 64 hexadecimal digits. */
  readonly id: string
  /** Without the leading slash. */
  readonly name: string
  /** The reference the container was started from, "herd/web:live". */
  readonly image: string
  readonly state: ContainerState
  readonly labels: Readonly<Record<string, string>>
}

export interface Mount {
  readonly type: 'bind' | 'volume' | 'tmpfs' | 'other'
  /** Host path for bind mounts and volumes; empty for tmpfs. */
  readonly source: string
  /** Path inside the container. */
  readonly target: string
  readonly writable: boolean
  /** "rprivate", "rshared", …; empty where the engine does not say. */
  readonly propagation: string
}

/** One container, with all that Paddock uses of what the engine knows. */
export interface Container extends ContainerSummary {
  /** "sha256:…" of the image the container really runs, whatever its tag says today. */
  readonly imageId: string
  /** Init process id on the host; 0 when not running. */
  readonly pid: number
  readonly createdAt: string
  readonly startedAt: string
  /** Directories of the graph driver where the engine tells them (never with the containerd store). */
  readonly graphDriver: { readonly name: string; readonly data: Readonly<Record<string, string>> } | null
  readonly mounts: readonly Mount[]
  readonly command: readonly string[]
  /** As configured: "", "redis", "33:33". */
  readonly user: string
  readonly env: readonly string[]
  readonly restartCount: number
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy'
  /** "docker-default", "unconfined"; empty where the kernel has no AppArmor. */
  readonly appArmorProfile: string
  /** Names of the networks it is attached to. */
  readonly networks: readonly string[]
  readonly hostConfig: HostConfig
}

/** What of the host a container was given. */
export interface HostConfig {
  readonly privileged: boolean
  /** In capitals without "CAP_". Podman resolves "ALL" and its own defaults into a list. */
  readonly capAdd: readonly string[]
  readonly capDrop: readonly string[]
  readonly securityOptions: readonly string[]
  readonly usernsMode: string
  readonly pidMode: string
  readonly networkMode: string
  readonly ipcMode: string
  readonly utsMode: string
  readonly cgroupnsMode: string
  readonly readonlyRootfs: boolean
  /** Bytes; 0 is no limit. */
  readonly memoryBytes: number
  /** 0 is no limit. */
  readonly pidsLimit: number
  /** CPU shares, quota and nano-cpus folded: whether any CPU limit is set. */
  readonly cpuLimited: boolean
  readonly devices: readonly { readonly host: string; readonly container: string }[]
  /** "c 10:200 rwm", "a *:* rwm". */
  readonly deviceCgroupRules: readonly string[]
  /** Groups beyond the user's own, as configured: names or ids. */
  readonly groupAdd: readonly string[]
  /** Names of the limits it sets itself, "nofile". */
  readonly ulimits: readonly string[]
  /** Empty is the engine's own. */
  readonly cgroupParent: string
  /** Whether `/proc` and `/sys` are shown without the usual masks (`systempaths=unconfined`, privileged). */
  readonly systemPathsUnmasked: boolean
  readonly log: { readonly driver: string; readonly options: Readonly<Record<string, string>> }
  readonly restartPolicy: { readonly name: string; readonly maximumRetryCount: number }
  readonly ports: readonly {
    readonly hostIp: string
    readonly hostPort: number
    readonly containerPort: number
    readonly protocol: string
  }[]
  readonly healthCheck: readonly string[] | null
}

export interface ImageSummary {
  readonly id: string
  readonly tags: readonly string[]
  readonly createdAt: string
  readonly sizeBytes: number
}

export interface Image extends ImageSummary {
  readonly user: string
  readonly env: readonly string[]
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly workingDir: string
  readonly labels: Readonly<Record<string, string>>
  readonly exposedPorts: readonly string[]
  readonly volumes: readonly string[]
  readonly healthCheck: readonly string[] | null
  readonly layers: number
  readonly architecture: string
}

/** One step of an image's making, newest first. `createdBy` is what the builder wrote: hostile, and may hold secrets. */
export interface ImageStep {
  readonly createdBy: string
  readonly createdAt: string
  readonly sizeBytes: number
}

export interface Network {
  readonly id: string
  readonly name: string
  /** "bridge", "host", "null", "overlay", … */
  readonly driver: string
  /** Driver options as the engine lists them: "com.docker.network.bridge.enable_icc". */
  readonly options: Readonly<Record<string, string>>
}

export interface EngineEvent {
  readonly type: 'container' | 'image' | 'daemon' | 'other'
  /** "start", "die", "rename", "pause", "unpause", "destroy", "exec_create", … */
  readonly action: string
  /** The container's or image's id. */
  readonly id: string
  readonly name: string
  /** Nanoseconds since the epoch, exact to 256. */
  readonly timeNs: bigint
  readonly attributes: Readonly<Record<string, string>>
}

/**
 * All that Paddock reads of an engine, in its own words. Every method rejects with a `UserError` of one
 * sentence when the engine does not answer, answers too slowly, answers garbage or breaks off.
 */
export interface EngineReader {
  /** As given to `--engine`: "unix:///var/run/docker.sock". */
  readonly address: string
  info(): Promise<EngineInfo>
  containers(options: { all: boolean }): Promise<readonly ContainerSummary[]>
  /** By full id, unambiguous id prefix or name. Rejects with a `UserError` when there is none. */
  container(idOrName: string): Promise<Container>
  images(): Promise<readonly ImageSummary[]>
  image(reference: string): Promise<Image>
  imageHistory(reference: string): Promise<readonly ImageStep[]>
  networks(): Promise<readonly Network[]>
  /**
   * All that happens from this call on. Follows until the signal aborts; ends with an error when the connection is
   * lost. An engine that hangs is silent here: ask `info` now and then.
   */
  events(signal: AbortSignal): AsyncIterable<EngineEvent>
}

/** One that has answered: which engine it is. */
export interface OpenEngine extends EngineReader {
  readonly kind: EngineKind
}
