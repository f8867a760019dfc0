// Pump
