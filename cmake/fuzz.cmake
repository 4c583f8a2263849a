# The fuzzer of the C interface: clang with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer. See tools/fuzz.py.
file(GLOB fuzz_sources CONFIGURE_DEPENDS csrc/fuzz/*.cpp)
file(GLOB border_sources CONFIGURE_DEPENDS csrc/api*.cpp csrc/check.cpp)
# Wrong values of enums come in from C, where an enum is an integer; no build uses -fstrict-enums.
set_source_files_properties(${fuzz_sources} ${border_sources} PROPERTIES COMPILE_OPTIONS -fno-sanitize=enum)
add_executable(attnrec_fuzz_border ${fuzz_sources} ${isa_objects})
target_link_libraries(attnrec_fuzz_border PRIVATE attnrec_objects)
target_link_options(attnrec_fuzz_border PRIVATE -fsanitize=fuzzer)
