internal import CLinux

/// Columns of the terminal at standard error; 80 if it is not a terminal.
package func terminalColumns() -> Int {
  let columns = clinux_terminal_columns(2)
  return columns > 0 ? Int(columns) : 80
}
