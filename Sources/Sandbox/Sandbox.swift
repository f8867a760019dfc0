/// How much of the sandbox a job insists on.
package enum SandboxMode: String, Sendable { case auto, strict }
