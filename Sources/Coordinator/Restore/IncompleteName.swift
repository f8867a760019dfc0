/// How a restored file shows that it lacks a part of what it should hold.
enum IncompleteName {
  static let suffix = ".incomplete"
}
