/// Sluice's own version: printed, told to plugins, written into receipts.
package let ownVersion = "0.1.0"
