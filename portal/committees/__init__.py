"""Parent committees of classes, grades and schools: who was elected, for how long, when they met and what they agreed."""
