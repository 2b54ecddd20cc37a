// A library that holds no strategies.
extern "C" int answer() { return 42; }
