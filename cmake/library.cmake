# libattnrec for C and C++: the C interface alone, without Python. `cmake --install` puts it where CMake's find_package
# and pkg-config find it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

file(STRINGS src/attnrec/include/attnrec/attnrec.h abi REGEX "define ATTNREC_ABI_VERSION")
string(REGEX MATCH "[0-9]+$" abi "${abi}")

add_library(attnrec SHARED ${isa_objects})
add_library(attnrec::attnrec ALIAS attnrec)
target_link_libraries(attnrec PRIVATE attnrec_objects)
target_include_directories(attnrec INTERFACE
  $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/src/attnrec/include>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set_target_properties(attnrec PROPERTIES LINKER_LANGUAGE CXX SOVERSION ${abi} VERSION ${abi}.${ATTNREC_VERSION})
# Hidden visibility is not enough: templates of the standard library would show.
if(APPLE)
  target_link_options(attnrec PRIVATE -Wl,-exported_symbol,_attnrec_get_api)
else()
  set(map ${CMAKE_CURRENT_SOURCE_DIR}/cmake/attnrec.map)
  target_link_options(attnrec PRIVATE -Wl,--version-script=${map})
  set_target_properties(attnrec PROPERTIES LINK_DEPENDS ${map})
endif()

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/attnrec)
install(TARGETS attnrec EXPORT attnrec LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES src/attnrec/include/attnrec/attnrec.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/attnrec)
install(EXPORT attnrec NAMESPACE attnrec:: FILE attnrec-config.cmake DESTINATION ${config_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/attnrec-config-version.cmake
  VERSION ${ATTNREC_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/attnrec-config-version.cmake DESTINATION ${config_dir})

set(pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH pc_prefix /prefix/${pc_dir} /prefix)
string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
configure_file(cmake/attnrec.pc.in attnrec.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/attnrec.pc DESTINATION ${pc_dir})
