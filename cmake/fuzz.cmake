# The fuzzers of the C interface and of the readers of files: clang with libFuzzer, AddressSanitizer and
# UndefinedBehaviorSanitizer. See tools/fuzz.py.
file(GLOB border_sources CONFIGURE_DEPENDS csrc/api/*.cpp csrc/checks/check.cpp)
set(fuzz_shared tests/cpp/fuzz/call.cpp tests/cpp/fuzz/operands.cpp)
set(fuzz_border tests/cpp/fuzz/border.cpp tests/cpp/fuzz/products.cpp tests/cpp/fuzz/retrieval.cpp
  tests/cpp/fuzz/searching.cpp tests/cpp/fuzz/training.cpp)
set(fuzz_model tests/cpp/fuzz/model.cpp tests/cpp/fuzz/file.cpp)
# Wrong values of enums come in from C, where an enum is an integer; no build uses -fstrict-enums.
set_source_files_properties(${fuzz_shared} ${fuzz_border} ${fuzz_model} ${border_sources}
  PROPERTIES COMPILE_OPTIONS -fno-sanitize=enum)
add_executable(attnrec_fuzz_border ${fuzz_border} ${fuzz_shared} ${isa_objects})
target_link_libraries(attnrec_fuzz_border PRIVATE attnrec_objects)
# tests/cpp/fuzz/file.cpp has files in memory, in the place of mapped ones.
add_executable(attnrec_fuzz_model ${fuzz_model} ${fuzz_shared} ${isa_objects}
  $<FILTER:$<TARGET_OBJECTS:attnrec_objects>,EXCLUDE,mapped_file>)
target_include_directories(attnrec_fuzz_model PRIVATE src/attnrec/include csrc)
target_link_libraries(attnrec_fuzz_model PRIVATE Threads::Threads)
foreach(fuzzer border model)
  target_link_options(attnrec_fuzz_${fuzzer} PRIVATE -fsanitize=fuzzer)
endforeach()
# Which blocks run tells enough: what is compared are counts of loops and the checks of the sanitizers, and to record
# those takes half of the time. The words of files stand in a dictionary.
foreach(target IN LISTS kernel_targets ITEMS attnrec_objects attnrec_fuzz_border attnrec_fuzz_model)
  target_compile_options(${target} PRIVATE -fno-sanitize-coverage=trace-cmp)
endforeach()
