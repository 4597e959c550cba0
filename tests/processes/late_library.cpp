// What late_library_test loads.
extern "C" int late_function() { return 7; }
