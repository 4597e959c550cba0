// Does nothing: that this program compiles and links is the test.
int main() { return 0; }
