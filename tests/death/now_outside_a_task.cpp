// Only a loop has a clock that tasks may ask for the time.
#include <weft/weft.hpp>

int main() { return weft::now() == weft::clock::time_point(); }
